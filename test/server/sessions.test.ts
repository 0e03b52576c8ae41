import { describe, expect, test } from "vitest";
import { contract } from "../../src/contract/contract.ts";
import { sessionIdOf } from "../../src/protocol/session-id.ts";
import type { Broker, BrokerSink } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { altered } from "../support/log-broker.ts";
import { Pair } from "../support/pair.ts";

const secret = "session-0001-and-secret";
const session = sessionIdOf(secret);
const heartbeatMs = 30_000;

/** A server whose broker's words to it, and what it answers, the test has in its hand. */
async function bench(calls: Partial<Broker> = {}) {
  const inner = memory();
  let sink = null as BrokerSink | null;
  const renewed: string[] = [];
  const broker = altered(inner, {
    start: (given, node) => {
      sink = given;
      return inner.start(given, node);
    },
    renewSessions: (sessions) => void renewed.push(...sessions),
    ...calls,
  });
  const pair = await new Pair(contract({}), { broker, heartbeatMs }).start();
  const connect = async (generation: number) => {
    const raw = await pair.socket();
    raw.hello({ secret, generation });
    await pair.clock.settle();
    return raw;
  };
  return { pair, connect, renewed, sink: sink as BrokerSink };
}

describe("word that a session was opened elsewhere", () => {
  test.each([
    [1, null],
    [2, null],
    [3, 4409],
  ])("with generation %i ends one of generation 2 as %s", async (generation, closeCode) => {
    const { pair, connect, sink } = await bench();
    const ada = await connect(2);
    sink.receiveOpened(session, generation);
    await pair.clock.settle();
    expect(ada.closeCode).toBe(closeCode);
  });
});

describe("a session", () => {
  test("has the connection of its highest generation, also once the older one has ended", async () => {
    const { pair, connect, sink } = await bench();
    const older = await connect(1);
    await connect(2);
    expect(older.closeCode).toBe(4409);
    expect(sink.isConnected(session)).toBe(true);
    pair.lastLink.cut();
    expect(sink.isConnected(session)).toBe(false);
  });

  test("keeps its connection when an attempt that came too late ends", async () => {
    const { connect, sink } = await bench();
    await connect(2);
    expect((await connect(1)).closeCode).toBe(4409);
    expect(sink.isConnected(session)).toBe(true);
  });

  test("whose connection ended while it was opened has none", async () => {
    const inner = memory();
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    const { pair, connect, sink } = await bench({
      openSession: async (claim) => {
        await held;
        return inner.openSession(claim);
      },
    });
    const ada = await connect(1);
    pair.lastLink.cut();
    answer();
    await pair.clock.settle();
    expect([sink.isConnected(session), pair.server.stats().connections]).toEqual([false, 0]);
    expect(ada.of("welcome")).toEqual([]);
  });

  test("is renewed as long as it has a connection, with each heartbeat, and when that ends", async () => {
    const { pair, connect, renewed } = await bench();
    const ada = await connect(1);
    for (let beat = 1; beat <= 3; beat += 1) {
      await pair.clock.advance(heartbeatMs);
      ada.send({ type: "ping" });
      await pair.clock.settle();
      expect(renewed.length).toBeGreaterThanOrEqual(beat);
    }
    renewed.length = 0;
    pair.lastLink.cut();
    await pair.clock.settle();
    expect(renewed).toEqual([session]);
    await pair.clock.advance(3 * heartbeatMs);
    expect(renewed).toEqual([session]);
  });
});

test("an outage is told to who is connected, once, and to who connects meanwhile", async () => {
  const { pair, connect, sink } = await bench();
  const ada = await connect(1);
  sink.receiveOutage(new Error("gone"));
  sink.receiveOutage(new Error("still gone"));
  await pair.clock.settle();
  expect(ada.of("degraded")).toEqual([{ type: "degraded", active: true }]);
  const late = await connect(2);
  expect(late.of("welcome")).toMatchObject([{ degraded: true }]);
  sink.receiveOutage(null);
  await pair.clock.settle();
  expect(late.of("degraded")).toEqual([{ type: "degraded", active: false }]);
  expect((await connect(3)).of("welcome")[0]).not.toHaveProperty("degraded");
});
