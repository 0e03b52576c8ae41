/** Where the window is narrow, the rooms and the panel are drawers over the conversation. */
import { byId } from "./dom.ts";

const drawers = [
  { opener: "open-sidebar", drawer: "sidebar" },
  { opener: "open-panel", drawer: "panel" },
] as const;

export function wireDrawers(): void {
  const { body } = document;
  let opener: HTMLElement | null = null;

  const close = (): void => {
    if (!body.dataset["drawer"]) return;
    delete body.dataset["drawer"];
    byId("conversation").inert = false;
    opener?.setAttribute("aria-expanded", "false");
    opener?.focus();
    opener = null;
  };

  for (const { opener: id, drawer } of drawers) {
    byId(id).addEventListener("click", () => {
      opener = byId(id);
      body.dataset["drawer"] = drawer;
      byId("conversation").inert = true;
      opener.setAttribute("aria-expanded", "true");
      byId(drawer).querySelector<HTMLElement>("[data-close-drawer]")?.focus();
    });
  }
  for (const element of document.querySelectorAll("[data-close-drawer]"))
    element.addEventListener("click", close);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close();
  });
  window.addEventListener("hashchange", close);
  // Wide enough for all three columns: nothing to close, and nothing to keep from the keyboard.
  window.matchMedia("(width >= 68rem)").addEventListener("change", close);
}
