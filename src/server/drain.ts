import type { Clock, Undo } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Connection } from "./connection.ts";
import type { DrainOptions } from "./engine.ts";

const defaultSpreadMs = 5000;
const defaultDeadlineMs = 15_000;

/** What a drain needs of the node. */
export interface DrainContext {
  readonly clock: Clock;
  readonly random: Random;
  connections(): readonly Connection[];
  /** Lets nobody in from now on; they may ask again after so many seconds. */
  shut(retryAfterSeconds: number): void;
  /** Settles when no connection is left. */
  empty(): Promise<void>;
  /** Settles when no handler runs any more. */
  idle(): Promise<void>;
}

/** Empties a node, once. */
export class Drain {
  readonly #context: DrainContext;
  readonly #stopTimers: Undo[] = [];
  /** Ends the wait; null when there is none. */
  #cut: (() => void) | null = null;

  constructor(context: DrainContext) {
    this.#context = context;
  }

  /**
   * Lets nobody in, asks each client to come back at a moment of its own, waits for them to go and for what runs to
   * finish, and closes whoever is left at the deadline.
   */
  async run({ spreadMs = defaultSpreadMs, deadlineMs = defaultDeadlineMs }: DrainOptions): Promise<void> {
    const context = this.#context;
    context.shut(Math.ceil((spreadMs + 1000) / 1000));
    // Without a deadline nobody could follow it, and a client that was told to come at once would: all of them together.
    if (deadlineMs > 0)
      for (const connection of context.connections())
        connection.send({ type: "goaway", delayMs: Math.round(context.random.float() * spreadMs) });
    const cut = new Promise<void>((resolve) => (this.#cut = resolve));
    this.hasten({ deadlineMs });
    await Promise.race([cut, context.empty().then(() => context.idle())]);
    this.#cut = null;
    for (const stopTimer of this.#stopTimers) stopTimer();
    for (const connection of context.connections()) connection.close("RESTART");
  }

  /** Sets a deadline; the earliest counts. */
  hasten({ deadlineMs = defaultDeadlineMs }: DrainOptions): void {
    if (this.#cut) this.#stopTimers.push(this.#context.clock.setTimer(deadlineMs, this.#cut));
  }
}
