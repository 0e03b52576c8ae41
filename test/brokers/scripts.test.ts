import { describe, expect, test } from "vitest";
import { isInstalled, type StageName } from "./scripts/benches.ts";
import { runSeed } from "./scripts/run-seed.ts";
import { shrink } from "./scripts/shrink.ts";
import { drawScript } from "./scripts/step.ts";

// A few random scripts on each broker; `npm run broker-scripts` plays more of them.
const rows: readonly [name: StageName, seeds: number, steps: number][] = [
  ["memory", 30, 80],
  ["sqlite", 8, 60],
  ["simulated", 10, 60],
  ["redis", 2, 40],
  ["nats", 2, 40],
];

test.each(rows)(
  "every answer in a random script is what it has to be: %s",
  { timeout: 120_000 },
  async (name, seeds, length) => {
    if (!isInstalled(name)) return;
    for (let seed = 1; seed <= seeds; seed += 1) expect(await runSeed(name, seed, { length })).toBeNull();
  },
);

const abilities = { nodesMax: 2, canCrash: true, faults: ["kill", "freeze", "wipe", "older"] } as const;

describe("a script", () => {
  test("is the same for the same seed, and has every kind of step in some", () => {
    expect(drawScript(7, 50, abilities)).toEqual(drawScript(7, 50, abilities));
    expect(drawScript(7, 50, abilities)).not.toEqual(drawScript(8, 50, abilities));
    const kinds = new Set(
      Array.from({ length: 20 }, (_, seed) => drawScript(seed, 80, abilities))
        .flat()
        .map((step) => step.do),
    );
    expect(kinds.size).toBe(20);
  });

  test("does nothing to a broker that can't be done to it", () => {
    const alone = { nodesMax: 1, canCrash: false, faults: [] };
    for (let seed = 1; seed <= 20; seed += 1) {
      const kinds = drawScript(seed, 80, alone).map((step) => step.do);
      for (const kind of ["start", "crash", "copy", "service"]) expect(kinds).not.toContain(kind);
    }
  });

  test("that fails is made as short as it can be", async () => {
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    const fails = async (left: readonly number[]): Promise<boolean> =>
      [3, 17, 41].every((it) => left.includes(it));
    expect(await shrink(numbers, fails, { attemptsMax: 500 })).toEqual([3, 17, 41]);
    expect((await shrink(numbers, fails, { attemptsMax: 3 })).length).toBeLessThanOrEqual(50);
  });
});
