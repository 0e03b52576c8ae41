/** What has to be done in its turn. It must not reject. One that was dropped is told so at once, and only cleans up. */
export type Task = (dropped: boolean) => void | Promise<void>;

interface Entry {
  task: Task | null;
}

/** Whose tasks they are: a connection. */
export class TaskOwner {
  /** Those that wait. Null while there never were any, as on most connections. */
  waiting: Set<Entry> | null = null;
  hasEnded = false;
}

/** Most tasks that wait for their turn although their owner has ended, on the whole node. */
export const orphansMax = 1000;

/**
 * Runs tasks of one session and room one after another, others side by side. It outlives connections: what was received
 * is done although its sender is gone, up to a bound, and a publish that a client sends again over a new socket waits for
 * the one that the old socket left running.
 */
export class WorkQueue {
  readonly #tails = new Map<string, Promise<void>>();
  #orphans = 0;

  /** Runs `task` when the earlier ones are done: at once if there are none. Settles with it; one that was dropped, with those. */
  run(session: string, room: string, owner: TaskOwner, task: Task): Promise<void> {
    const key = `${session} ${room}`;
    const earlier = this.#tails.get(key);
    const tail = earlier ? this.#runAfter(earlier, owner, task) : Promise.resolve(task(false));
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return tail;
  }

  /** Drops what still waits of an owner that has ended, where the node keeps enough of such. */
  ended(owner: TaskOwner): void {
    const { waiting } = owner;
    owner.hasEnded = true;
    if (!waiting) return;
    if (this.#orphans + waiting.size <= orphansMax) {
      this.#orphans += waiting.size;
      return;
    }
    for (const entry of waiting) {
      const { task } = entry;
      entry.task = null;
      void task?.(true);
    }
    waiting.clear();
  }

  async #runAfter(earlier: Promise<void>, owner: TaskOwner, task: Task): Promise<void> {
    const entry: Entry = { task };
    owner.waiting ??= new Set();
    owner.waiting.add(entry);
    await earlier;
    if (owner.waiting.delete(entry) && owner.hasEnded) this.#orphans -= 1;
    await entry.task?.(false);
  }
}
