/** Light or dark: as the system has it, until the visitor chooses. */
import { byId } from "./dom.ts";
import { browserKeep } from "./keep.ts";

const key = "bowline-chat.theme";

export function wireTheme(): void {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");

  const isDark = (): boolean => (root.dataset["theme"] ? root.dataset["theme"] === "dark" : system.matches);
  const label = (): void =>
    button.setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours");

  const chosen = browserKeep.get(key);
  if (chosen) root.dataset["theme"] = chosen;
  label();
  system.addEventListener("change", label);
  button.addEventListener("click", () => {
    root.dataset["theme"] = isDark() ? "light" : "dark";
    browserKeep.set(key, root.dataset["theme"]);
    label();
  });
}
