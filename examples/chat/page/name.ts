/** The visitor's name: asked once, then kept in this browser. */
import { cleanName } from "../contract.ts";
import { byId } from "./dom.ts";
import { browserKeep } from "./keep.ts";
import { forgetOutbox } from "./tab.ts";

const key = "bowline-chat.name";

/** Resolves with the name, asking for it if it is not known. */
export async function visitorName(): Promise<string> {
  return cleanName(browserKeep.get(key) ?? "") || (await ask(""));
}

/** Lets the visitor take another name. It begins a new session, so the page starts anew. */
export function wireRename(me: string): void {
  byId("rename").addEventListener("click", () => {
    void ask(me).then((name) => {
      if (name === me) return;
      forgetOutbox();
      location.reload();
    });
  });
}

/** Resolves with `former` where the visitor thinks better of it; without one there is nothing to go back to. */
function ask(former: string): Promise<string> {
  const dialog = byId<HTMLDialogElement>("name-dialog");
  const input = byId<HTMLInputElement>("name-input");
  input.value = former;
  byId("name-cancel").hidden = !former;
  dialog.showModal();
  return new Promise((resolve) => {
    const aborter = new AbortController();
    const { signal } = aborter;
    const end = (name: string): void => {
      aborter.abort();
      dialog.close();
      resolve(name);
    };
    const submit = (event: Event): void => {
      event.preventDefault();
      const name = cleanName(input.value);
      if (!name) return complain(input, "A name needs something that can be seen.");
      browserKeep.set(key, name);
      end(name);
    };
    const cancel = (event: Event): void => {
      event.preventDefault();
      if (former) end(former);
    };
    byId("name-form").addEventListener("submit", submit, { signal });
    byId("name-cancel").addEventListener("click", cancel, { signal });
    dialog.addEventListener("cancel", cancel, { signal });
  });
}

/** Shows the browser's own bubble, until something else is typed. */
function complain(input: HTMLInputElement, text: string): void {
  input.setCustomValidity(text);
  input.reportValidity();
  input.addEventListener("input", () => input.setCustomValidity(""), { once: true });
}
