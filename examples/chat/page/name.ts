/** The visitor's name: asked once, then kept in this browser. */
import { byId } from "./dom.ts";
import { forgetOutbox } from "./tab.ts";

const key = "bowline-chat.name";

/** Resolves with the name, asking for it if it is not known. */
export async function visitorName(): Promise<string> {
  return localStorage.getItem(key) ?? (await ask(""));
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

function ask(former: string): Promise<string> {
  const dialog = byId<HTMLDialogElement>("name-dialog");
  const input = byId<HTMLInputElement>("name-input");
  const form = byId<HTMLFormElement>("name-form");
  input.value = former;
  dialog.showModal();
  return new Promise((resolve) => {
    const end = (name: string): void => {
      aborter.abort();
      dialog.close();
      resolve(name);
    };
    const aborter = new AbortController();
    const { signal } = aborter;
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        const name = input.value.trim().replace(/\s+/g, " ");
        if (!name) return input.focus();
        localStorage.setItem(key, name);
        end(name);
      },
      { signal },
    );
    dialog.addEventListener(
      "cancel",
      (event) => {
        // Without a name there is nothing to go back to.
        event.preventDefault();
        if (former) end(former);
      },
      { signal },
    );
  });
}
