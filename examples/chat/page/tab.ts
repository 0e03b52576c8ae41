/**
 * What belongs to this tab and outlives a reload of it: the id of its line, and the client's session with all that was
 * not delivered yet. So a message that was queued offline still goes out, once, after the page was loaded anew.
 */
import { applyChange, type Store, type StoredState } from "bowline/client/store";
import { tabKeep } from "./keep.ts";

export interface Tab {
  readonly lineId: string;
  readonly store: Store;
}

const idKey = "bowline-chat.line";
const outboxKey = "bowline-chat.outbox";
/** How long the page that was here before may take to let go. */
const handOverMs = 1000;

export async function openTab(): Promise<Tab> {
  const known = tabKeep.get(idKey);
  if (known !== null && (await isOurs(known))) return { lineId: known, store: openStore() };
  forgetOutbox();
  const lineId = makeId();
  tabKeep.set(idKey, lineId);
  await isOurs(lineId);
  return { lineId, store: openStore() };
}

/** A session belongs to one user: another name begins a new one. */
export function forgetOutbox(): void {
  tabKeep.remove(outboxKey);
}

/** A duplicated tab gets a copy of everything. The lock shows who had it first, and is held until the page goes. */
function isOurs(id: string): Promise<boolean> {
  // Absent outside secure contexts, e.g. under a bare IP address.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const hold = (): Promise<void> => {
      resolve(true);
      return new Promise(() => {});
    };
    locks
      .request(`bowline-chat.${id}`, { signal: AbortSignal.timeout(handOverMs) }, hold)
      .catch(() => resolve(false));
  });
}

function openStore(): Store {
  let state = tabKeep.getJson(outboxKey) as StoredState | null;
  return {
    initial: state,
    save(changes) {
      for (const change of changes) state = applyChange(state, change);
      tabKeep.set(outboxKey, JSON.stringify(state));
    },
  };
}

function makeId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
