/** Where the window is narrow, the rooms and the panel are drawers over the conversation. */
import { byId } from "./dom.ts";

const drawers = [
  { opener: "open-sidebar", drawer: "sidebar" },
  { opener: "open-panel", drawer: "panel" },
] as const;

export function wireDrawers(): void {
  const { body } = document;
  let opener: HTMLElement | null = null;

  /** Behind an open drawer nothing takes the focus. */
  const keepIn = (open: string | null): void => {
    for (const element of document.querySelectorAll<HTMLElement>(".skip, .app > :not(.scrim)"))
      element.inert = open !== null && element.id !== open;
  };

  const close = (): void => {
    if (!body.dataset["drawer"]) return;
    delete body.dataset["drawer"];
    keepIn(null);
    opener?.setAttribute("aria-expanded", "false");
    opener?.focus();
    opener = null;
  };

  for (const { opener: id, drawer } of drawers) {
    byId(id).addEventListener("click", () => {
      opener = byId(id);
      body.dataset["drawer"] = drawer;
      keepIn(drawer);
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
