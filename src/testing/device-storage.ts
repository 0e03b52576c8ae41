import { applyChange, type Store, type StoreChange, type StoredState } from "../client/store.ts";
import type { History } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimProcess } from "./sim-process.ts";

/** How a device keeps its client's session and outbox: not at all, with each write done at once, or some time later. */
export type Keeping = "none" | "sync" | "async";

/** Longest time an asynchronous write takes. */
const writeMs = 20;

/** A device's disk: outlives the process that writes to it. */
export class DeviceStorage {
  state: StoredState | null = null;
  readonly #device: string;
  readonly #history: History;
  readonly #random: SeededRandom;

  constructor(device: string, history: History, random: SeededRandom) {
    this.#device = device;
    this.#history = history;
    this.#random = random;
  }

  /** A store on it for one process. */
  open(process: SimProcess, keeping: "sync" | "async"): Store {
    let lastMs = 0;
    const { timeline } = process;
    const saveLater = (changes: readonly StoreChange[]): Promise<void> =>
      new Promise((resolve) => {
        lastMs = Math.max(lastMs, timeline.nowMs + this.#random.between(0, writeMs));
        timeline.at(lastMs, () => {
          // What a process had not written when it died was never written.
          if (process.isDead) return;
          this.#apply(changes);
          timeline.after(this.#random.between(0, 1), () => process.run(resolve));
        });
      });
    return {
      initial: this.state,
      save: (changes) => {
        if (process.isDead || changes.length === 0) return undefined;
        if (keeping === "async") return saveLater(changes);
        this.#apply(changes);
        return undefined;
      },
    };
  }

  #apply(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      this.state = applyChange(this.state, change);
      if (change.type !== "put" || !this.state) continue;
      const id = `${this.state.session.id}-${change.publish.ref}`;
      this.#history.add({ type: "kept", device: this.#device, id });
    }
  }
}
