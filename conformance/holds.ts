/** Hooks that the control channel has stopped, and who waits in them. */
export class Holds {
  readonly #held = new Map<string, Hold>();

  /** From now on whoever comes to this hook for this room waits. */
  hold(hook: string, room: string): void {
    const key = `${hook} ${room}`;
    if (!this.#held.has(key)) this.#held.set(key, { waiting: [], watchers: [] });
  }

  /** Called by the hook: resolves at once, or with the release. */
  async pass(hook: string, room: string): Promise<void> {
    const hold = this.#held.get(`${hook} ${room}`);
    if (!hold) return;
    await new Promise<void>((resolve) => {
      hold.waiting.push(resolve);
      for (const watcher of hold.watchers) watcher();
    });
  }

  /** Resolves when so many wait. */
  async held(hook: string, room: string, count: number): Promise<void> {
    const hold = this.#held.get(`${hook} ${room}`);
    if (!hold) throw new Error(`nothing holds ${hook} of ${room}`);
    await new Promise<void>((resolve) => {
      const look = (): void => void (hold.waiting.length >= count && resolve());
      hold.watchers.push(look);
      look();
    });
  }

  /** Lets all of them go on, in their order, and holds nobody any more. */
  release(hook: string, room: string): void {
    const key = `${hook} ${room}`;
    const hold = this.#held.get(key);
    this.#held.delete(key);
    for (const resume of hold?.waiting ?? []) resume();
  }
}

interface Hold {
  readonly waiting: (() => void)[];
  readonly watchers: (() => void)[];
}
