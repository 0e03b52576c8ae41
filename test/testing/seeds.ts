import { expect } from "vitest";
import { swarm, type SwarmOptions } from "../../src/testing/index.ts";

/** Runs one seed; what is wrong is in the message of the failure. Replay it with `npm run sim -- --seed N --trace`. */
export async function expectClean(seed: number, options: SwarmOptions = {}): Promise<void> {
  const { violations } = await swarm(seed, options);
  expect(violations, `seed ${seed}`).toEqual([]);
}
