import { expect, test } from "vitest";
import { insistence } from "../../src/server/insist.ts";
import { FakeClock } from "../support/fake-clock.ts";

function bench() {
  const clock = new FakeClock();
  const reported: unknown[] = [];
  const insist = insistence({ clock, report: (error, stage) => reported.push([stage, error]) });
  return { clock, reported, insist };
}

test("what is done at once is done at once", () => {
  const { insist } = bench();
  expect(
    insist(
      () => 5,
      () => true,
    ),
  ).toBe(5);
});

test("what fails is done again, after longer and longer waits, and reported once", async () => {
  const { clock, reported, insist } = bench();
  const failure = new Error("down");
  const triedMs: number[] = [];
  const startMs = clock.elapsed();
  const done = insist(
    async () => {
      triedMs.push(clock.elapsed() - startMs);
      if (triedMs.length < 8) throw failure;
      return "done";
    },
    () => true,
  );
  await clock.advance(60_000);
  expect(await done).toBe("done");
  expect(triedMs).toEqual([0, 250, 750, 1750, 3750, 7750, 11_750, 15_750]);
  expect(reported).toEqual([["broker", failure]]);
});

test("what nobody needs any more is given up", async () => {
  const { clock, insist } = bench();
  let isNeeded = true;
  let tries = 0;
  const task = async (): Promise<never> => {
    tries += 1;
    throw new Error("down");
  };
  const given = expect(insist(task, () => isNeeded)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    retryable: true,
  });
  await clock.advance(300);
  isNeeded = false;
  await clock.advance(10_000);
  await given;
  expect(tries).toBe(2);
});
