import { applyChange, type Store, type StoreChange, type StoredState } from "../client/store.ts";
import { sessionIdOf } from "../protocol/session-id.ts";
import type { History } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimProcess } from "./sim-process.ts";

/** How a device keeps its client's session and outbox: not at all, with each write done at once, or some time later. */
export type Keeping = "none" | "sync" | "async";

/** How a device's disk is. `fail`: nothing is written, and the writer is told. `hang`: asynchronous writes wait. */
export type DiskState = "well" | "fail" | "hang";

/** Longest time an asynchronous write takes. */
const writeMs = 20;

/** What a write to a disk that fails throws or rejects with. */
export class DiskFailed extends Error {
  override readonly name: string = "DiskFailed";
}

/** A device's disk: outlives the process that writes to it. */
export class DeviceStorage {
  state: StoredState | null = null;
  #disk: DiskState = "well";
  #hanging: (() => void)[] = [];
  readonly #device: string;
  readonly #history: History;
  readonly #random: SeededRandom;

  constructor(device: string, history: History, random: SeededRandom) {
    this.#device = device;
    this.#history = history;
    this.#random = random;
  }

  /** From now on writes fail, or hang, or do neither: what hung is then written. */
  turn(disk: DiskState): void {
    this.#disk = disk;
    if (disk !== "hang") for (const write of this.#hanging.splice(0)) write();
  }

  /** A store on it for one process. */
  open(process: SimProcess, keeping: "sync" | "async"): Store {
    let lastMs = 0;
    const { timeline } = process;
    const saveLater = (changes: readonly StoreChange[]): Promise<void> =>
      new Promise((resolve, reject) => {
        const write = (): void => {
          // What a process had not written when it died was never written.
          if (process.isDead) return;
          if (this.#disk === "hang") return void this.#hanging.push(write);
          const error = this.#write(changes);
          timeline.after(this.#random.between(0, 1), () =>
            process.run(() => (error ? reject(error) : resolve())),
          );
        };
        lastMs = Math.max(lastMs, timeline.nowMs + this.#random.between(0, writeMs));
        timeline.at(lastMs, write);
      });
    return {
      initial: this.state,
      save: (changes) => {
        if (process.isDead || changes.length === 0) return undefined;
        if (keeping === "async") return saveLater(changes);
        const error = this.#write(changes);
        if (error) throw error;
        return undefined;
      },
    };
  }

  /** Writes all of it, or nothing: then what went wrong is the answer. */
  #write(changes: readonly StoreChange[]): DiskFailed | null {
    if (this.#disk === "fail") return new DiskFailed("the disk is full");
    this.#apply(changes);
    return null;
  }

  #apply(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      this.state = applyChange(this.state, change);
      if (change.type !== "put" || !this.state) continue;
      const id = `${sessionIdOf(this.state.session.secret)}-${change.publish.ref}`;
      this.#history.add({ type: "kept", device: this.#device, id });
    }
  }
}
