import type { ConformanceCase, JsonObject } from "./case.ts";
import { ServerProcess, type ServerStart } from "./server-process.ts";

/** How servers under test are started. */
export interface PoolOptions extends Omit<ServerStart, "config"> {
  /** What every one is started with beside the config of its cases: the broker. */
  readonly config: JsonObject;
}

interface Shared {
  /** Null until the first case wants it. */
  starting: Promise<ServerProcess> | null;
  /** Cases that are still to come. */
  uses: number;
}

/** Most servers that start at the same moment: more would make each other's start late. */
const startsAtOnce = 2;

/** The servers under test: one for all cases of the same config, and one for each case that has to be alone. */
export class ServerPool {
  readonly #options: PoolOptions;
  readonly #shared = new Map<string, Shared>();
  #starts: Promise<unknown>[] = [];

  constructor(options: PoolOptions, cases: readonly ConformanceCase[]) {
    this.#options = options;
    for (const it of cases) {
      const key = keyOf(it);
      const shared = this.#shared.get(key) ?? { starting: null, uses: 0 };
      shared.uses += 1;
      this.#shared.set(key, shared);
    }
  }

  /** The server for a case. Rejects with why it did not start. */
  async take(it: ConformanceCase): Promise<ServerProcess> {
    const shared = this.#shared.get(keyOf(it));
    if (!shared) throw new Error(`no server was planned for ${it.id}`);
    return (shared.starting ??= this.#start(it.config));
  }

  /** The case is over: what serves no other case is ended. */
  async release(it: ConformanceCase): Promise<void> {
    const key = keyOf(it);
    const shared = this.#shared.get(key);
    if (!shared) return;
    shared.uses -= 1;
    if (shared.uses > 0) return;
    this.#shared.delete(key);
    await shared.starting?.then(
      (server) => server.kill(),
      () => {},
    );
  }

  async #start(config: JsonObject): Promise<ServerProcess> {
    while (this.#starts.length >= startsAtOnce) await Promise.race(this.#starts);
    const start = { ...this.#options, config: { ...this.#options.config, ...config } };
    const starting = ServerProcess.start(start);
    const over = starting.then(
      () => {},
      () => {},
    );
    this.#starts.push(over);
    void over.then(() => (this.#starts = this.#starts.filter((other) => other !== over)));
    return starting;
  }
}

function keyOf({ id, alone, config }: ConformanceCase): string {
  return alone ? id : canonical(config);
}

/** The same text for the same config, whatever the order of its names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
