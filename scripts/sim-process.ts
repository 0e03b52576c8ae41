/** One process of the pool in sim-pool.ts. */
import { swarm } from "../src/testing/index.ts";
import type { SeedJob, SeedResult } from "./sim-pool.ts";

// Refusals are errors, and looking for their stacks is an eighth of all the work.
Error.stackTraceLimit = 0;

process.on("message", ({ seed, options }: SeedJob) => {
  void swarm(seed, options).then(({ steps, violations }) => {
    const result: SeedResult = { seed, steps, violations };
    process.send?.(result);
  });
});
