import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Connection } from "./connection.ts";
import type { DrainOptions } from "./engine.ts";

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

/**
 * Empties a node: lets nobody in, asks each client to come back at a moment of its own, waits for them to go and for
 * what runs to finish, and closes whoever is left at the deadline.
 */
export async function drain(
  context: DrainContext,
  { spreadMs = 5000, deadlineMs = 15_000 }: DrainOptions,
): Promise<void> {
  const { clock, random } = context;
  context.shut(Math.ceil((spreadMs + 1000) / 1000));
  for (const connection of context.connections()) {
    connection.send({ type: "goaway", delayMs: Math.round(random.float() * spreadMs) });
  }
  await within(clock, deadlineMs, async () => {
    await context.empty();
    await context.idle();
  });
  for (const connection of context.connections()) connection.close("RESTART");
}

async function within(clock: Clock, ms: number, task: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = clock.setTimer(ms, resolve);
    void task().then(() => {
      stop();
      resolve();
    });
  });
}
