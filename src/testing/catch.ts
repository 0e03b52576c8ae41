import { swarm, type SwarmOptions } from "./swarm.ts";
import type { Wraps } from "./wraps.ts";

/** Which seed noticed a sabotage, and how. */
export interface Caught {
  readonly seed: number;
  readonly message: string;
}

/** Runs seeds from 1 on with a sabotage switched on, until one of them notices. Null: none did. */
export async function catchSabotage(
  wraps: Wraps,
  seedsMax: number,
  knobs: NonNullable<SwarmOptions["knobs"]> = {},
): Promise<Caught | null> {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const { violations } = await swarm(seed, { wraps, knobs });
    const [first] = violations;
    if (first) return { seed, message: `${first.checker}: ${first.message}` };
  }
  return null;
}
