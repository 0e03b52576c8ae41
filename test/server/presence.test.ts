import { describe, expect, test } from "vitest";
import { TimerWheel } from "../../src/base/timer-wheel.ts";
import type { Broker } from "../../src/server/broker.ts";
import type { Connection } from "../../src/server/connection.ts";
import { BrokerFailure } from "../../src/server/guarded-broker.ts";
import { insistence } from "../../src/server/insist.ts";
import { defaultLimits } from "../../src/server/limits.ts";
import { Presence } from "../../src/server/presence.ts";
import { FakeClock } from "../support/fake-clock.ts";

const graceMs = 10_000;

function bench() {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const calls: string[] = [];
  let isDown = false;
  const answer = async (call: string): Promise<void> => {
    if (isDown) throw new BrokerFailure(new Error("down"));
    calls.push(call);
  };
  const broker = {
    enter: (room: string, _member: unknown, generation: number) => answer(`enter ${room} ${generation}`),
    exit: (room: string, session: string, generation: number) =>
      answer(`exit ${room} ${session} ${generation}`),
  } as unknown as Broker;
  const insist = insistence({ clock, report: () => {} });
  const presence = new Presence({ broker, wheel, graceMs, insist, limits: defaultLimits });
  wheel.start();
  const connection = (generation: number): Connection =>
    ({ session: "s", userId: "ada", generation }) as unknown as Connection;
  const fail = (down: boolean): void => void (isDown = down);
  return { clock, wheel, calls, presence, connection, fail };
}

describe("a member whose connection ended", () => {
  test("leaves after the grace, from every room it was in, and not before", async () => {
    const { clock, calls, presence, connection } = bench();
    presence.ended(connection(1), ["a", "b"]);
    await clock.advance(graceMs - 1);
    expect(calls).toEqual([]);
    await clock.advance(2000);
    expect(calls).toEqual(["exit a s 1", "exit b s 1"]);
  });

  test("leaves at once where the node stops, and only once", async () => {
    const { clock, wheel, calls, presence, connection } = bench();
    presence.ended(connection(1), ["a"]);
    presence.stop();
    await clock.settle();
    await clock.advance(2 * graceMs);
    expect(calls).toEqual(["exit a s 1"]);
    wheel.stop();
  });
});

describe("an exit during an outage", () => {
  test("is made when that is over", async () => {
    const { clock, calls, presence, connection, fail } = bench();
    fail(true);
    presence.exit(connection(1), "a");
    await clock.advance(1000);
    fail(false);
    await clock.advance(8000);
    expect(calls).toEqual(["exit a s 1"]);
  });

  test("is given up when somebody has entered again", async () => {
    const { clock, wheel, calls, presence, connection, fail } = bench();
    fail(true);
    presence.exit(connection(1), "a");
    await clock.settle();
    fail(false);
    await presence.enter(connection(1), "a", null);
    await clock.advance(8000);
    expect(calls).toEqual(["enter a 1"]);
    wheel.stop();
    expect(clock.timerCount).toBe(0);
  });

  test.each(["before", "after"])(
    "is not repeated once the node has stopped: it ended %s that",
    async (when) => {
      const { clock, wheel, presence, connection, fail } = bench();
      fail(true);
      if (when === "before") presence.exit(connection(1), "a");
      else presence.ended(connection(1), ["a"]);
      await clock.settle();
      presence.stop();
      wheel.stop();
      await clock.advance(8000);
      expect(clock.timerCount).toBe(0);
    },
  );
});
