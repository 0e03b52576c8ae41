import { describe, expect, test } from "vitest";
import type { CloseName } from "../../src/protocol/codes.ts";
import type { ServerFrame } from "../../src/protocol/frames.ts";
import type { Connection } from "../../src/server/connection.ts";
import { Drain, type DrainContext } from "../../src/server/drain.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";

class Client {
  readonly told: ServerFrame[] = [];
  closedBy: CloseName | null = null;

  get connection(): Connection {
    return {
      send: (frame: ServerFrame) => this.told.push(frame),
      close: (name: CloseName) => (this.closedBy = name),
    } as unknown as Connection;
  }
}

function bench({ isEmpty = false } = {}) {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const clients = [new Client(), new Client()];
  const connections = clients.map(({ connection }) => connection);
  const shut: number[] = [];
  let rest = (): void => {};
  const idle = new Promise<void>((resolve) => (rest = resolve));
  const empty = isEmpty ? Promise.resolve() : new Promise<void>(() => {});
  const context: DrainContext = {
    clock,
    random,
    connections: () => connections,
    shut: (seconds) => shut.push(seconds),
    empty: () => empty,
    idle: () => idle,
  };
  const drain = new Drain(context);
  let isOver = false;
  const run = (options: Parameters<Drain["run"]>[0]): void =>
    void drain.run(options).then(() => (isOver = true));
  return { clock, random, clients, shut, rest: () => rest(), drain, run, isOver: () => isOver };
}

describe("a drain", () => {
  test("shuts the door for as long as clients are sent away, and a second more", () => {
    const { run, shut } = bench();
    run({ spreadMs: 4000 });
    expect(shut).toEqual([5]);
  });

  test("tells each client a moment of its own to leave, within the spread", () => {
    const { run, random, clients } = bench();
    random.next = 0.25;
    run({ spreadMs: 4000 });
    for (const { told } of clients) expect(told).toEqual([{ type: "goaway", delayMs: 1000 }]);
  });

  test("closes whoever is left at the deadline, and nobody before", async () => {
    const { run, clock, clients, isOver } = bench();
    run({ spreadMs: 1000, deadlineMs: 3000 });
    await clock.advance(2999);
    expect([clients[0]?.closedBy, isOver()]).toEqual([null, false]);
    await clock.advance(1);
    expect([clients.map(({ closedBy }) => closedBy), isOver()]).toEqual([["RESTART", "RESTART"], true]);
  });

  test("is over when all have left and what they asked for is done, and leaves no timer", async () => {
    const { run, clock, rest, isOver } = bench({ isEmpty: true });
    run({ spreadMs: 1000, deadlineMs: 3000 });
    await clock.settle();
    expect(isOver()).toBe(false);
    rest();
    await clock.settle();
    expect([isOver(), clock.timerCount]).toEqual([true, 0]);
  });

  test("ends at the earliest deadline it was given, and leaves no timer of the others", async () => {
    const { run, drain, clock, isOver } = bench();
    run({ deadlineMs: 9000 });
    drain.hasten({ deadlineMs: 2000 });
    await clock.advance(2000);
    expect([isOver(), clock.timerCount]).toEqual([true, 0]);
  });

  test("that is over is not hastened", async () => {
    const { run, drain, clock } = bench();
    run({ deadlineMs: 0 });
    await clock.advance(0);
    drain.hasten({ deadlineMs: 1000 });
    expect(clock.timerCount).toBe(0);
  });
});
