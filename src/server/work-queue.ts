/**
 * Runs tasks of one key one after another, tasks of different keys side by side. It outlives connections: a publish
 * that a client sends again over a new socket waits for the one that the old socket left running.
 */
export class WorkQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `task` when the earlier ones of this key are done: at once if there are none. Settles with it. It must not reject. */
  run(key: string, task: () => Promise<void>): Promise<void> {
    const earlier = this.#tails.get(key);
    const tail = earlier ? earlier.then(task) : task();
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return tail;
  }
}
