import { describe, expect, test } from "vitest";
import { formatHistory, swarm } from "../../src/testing/index.ts";
import { expectClean } from "./seeds.ts";

describe("swarm", () => {
  // In lots, so that a failure names its hundred and the rest still run.
  test.for([1, 101, 201])("100 seeds from %i on break no rule", { timeout: 60_000 }, async (from) => {
    for (let seed = from; seed < from + 100; seed += 1) await expectClean(seed);
  });

  test("a seed decides everything", async () => {
    const run = async (): Promise<string> => formatHistory((await swarm(11, { trace: true })).history.steps);
    expect(await run()).toBe(await run());
  });

  test("other seeds make other worlds", async () => {
    const [one, two] = await Promise.all([swarm(1), swarm(2)]);
    expect(one.history.steps.length).not.toBe(two.history.steps.length);
  });
});
