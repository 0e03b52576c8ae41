import { expect, test } from "vitest";
import { BrokerFailure } from "../../src/server/guarded-broker.ts";
import { insistence } from "../../src/server/insist.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
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
  const failure = new BrokerFailure(new Error("down"));
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
    throw new BrokerFailure(new Error("down"));
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

test.each([
  ["at once", 0],
  ["after an outage", 2],
])("what the broker refuses %s is not done again, and is no failure", async (_when, failures) => {
  const { clock, reported, insist } = bench();
  const refusal = new BowlineError("PAYLOAD_TOO_LARGE", "too long");
  let tries = 0;
  const done = insist(
    async () => {
      tries += 1;
      throw tries > failures ? refusal : new BrokerFailure(new Error("down"));
    },
    () => true,
  );
  const refused = expect(done).rejects.toBe(refusal);
  await clock.advance(60_000);
  await refused;
  expect([tries, reported.length]).toEqual([failures + 1, failures > 0 ? 1 : 0]);
});

test.each([0, 2])(
  "a fault of the program is no outage, also after %i failures: it is not done again",
  async (failures) => {
    const { clock, reported, insist } = bench();
    const fault = new TypeError("Do not know how to serialize a BigInt");
    let tries = 0;
    const done = insist(
      async () => {
        tries += 1;
        throw tries > failures ? fault : new BrokerFailure(new Error("down"));
      },
      () => true,
    );
    const refused = expect(done).rejects.toBe(fault);
    await clock.advance(60_000);
    await refused;
    expect([tries, reported.length]).toEqual([failures + 1, failures > 0 ? 1 : 0]);
  },
);
