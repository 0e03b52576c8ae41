import { expect } from "vitest";
import { swarm, type SwarmOptions } from "../../src/testing/index.ts";

/** Runs one seed; what is wrong is in the message of the failure. Replay it with `npm run sim -- --seed N --trace`. */
export async function expectClean(seed: number, options: SwarmOptions = {}): Promise<void> {
  const { violations } = await withoutStacks(() => swarm(seed, options));
  expect(violations, `seed ${seed}`).toEqual([]);
}

/** Runs something in which refusals are many: each is an error, and looking for its stack costs more than all the rest. */
export async function withoutStacks<T>(run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
