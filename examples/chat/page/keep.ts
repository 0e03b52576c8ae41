/** What the browser keeps for the page. Where it refuses to (blocked or full), the page's memory stands in. */

export class Keep {
  readonly #open: () => Storage;
  readonly #memory = new Map<string, string>();

  constructor(open: () => Storage) {
    this.#open = open;
  }

  /** Whether the browser refused something, which a reload therefore loses. */
  get isRefused(): boolean {
    return this.#memory.size > 0;
  }

  get(key: string): string | null {
    return this.#memory.get(key) ?? this.#try((storage) => storage.getItem(key)) ?? null;
  }

  set(key: string, text: string): void {
    this.#memory.delete(key);
    const isKept = this.#try((storage) => {
      storage.setItem(key, text);
      return true;
    });
    if (isKept) return;
    // What is stored there is out of date, and no good to the page that is loaded next.
    this.remove(key);
    this.#memory.set(key, text);
  }

  remove(key: string): void {
    this.#memory.delete(key);
    this.#try((storage) => storage.removeItem(key));
  }

  /** Null as well for what is no JSON: others may write here too. */
  getJson(key: string): unknown {
    try {
      return JSON.parse(this.get(key) ?? "null");
    } catch {
      return null;
    }
  }

  /** The mere look at a blocked storage throws. */
  #try<T>(use: (storage: Storage) => T): T | undefined {
    try {
      return use(this.#open());
    } catch {
      return undefined;
    }
  }
}

/** Shared by all tabs, from visit to visit. */
export const browserKeep = new Keep(() => localStorage);
/** This tab's own, over reloads. */
export const tabKeep = new Keep(() => sessionStorage);
