import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import type { Fate } from "../../src/client/calls.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { altered } from "../support/log-broker.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.object({ text: z.string() })), typing: signal(z.any()) },
      presence: z.any(),
    }),
  },
  requests: {
    add: request({ input: z.array(z.number()), output: z.number() }),
    again: request({ input: z.any(), output: z.number(), idempotent: true }),
  },
});

async function bench(options: ServerOptions = {}) {
  const pair = new Pair(chat, options);
  const runs = { add: 0, again: 0 };
  pair.server.request("add", ({ payload }) => {
    runs.add += 1;
    return payload.reduce((sum, number) => sum + number, 0);
  });
  pair.server.request("again", () => (runs.again += 1));
  await pair.start();
  return { pair, runs };
}

/** Everything a client heard in a room. */
function listen(lobby: ReturnType<Awaited<ReturnType<Pair<typeof chat>["openClient"]>>["join"]>): string[] {
  const heard: string[] = [];
  lobby.on("message", ({ payload }) => heard.push(payload.text));
  lobby.onGap(({ reason }) => heard.push(`gap ${reason}`));
  return heard;
}

describe("a client and a server", () => {
  test("exchange events, once each, the sender's own too", async () => {
    const { pair } = await bench();
    const [ada, bob] = [await pair.openClient(), await pair.openClient()];
    const [a, b] = [ada.join("chat/a"), bob.join("chat/a")];
    const [heardByAda, heardByBob] = [listen(a), listen(b)];
    await pair.clock.settle();
    const stored = a.publish("message", { text: "hi" });
    await pair.clock.settle();
    expect(await stored).toMatchObject({ offset: 1 });
    expect([heardByAda, heardByBob]).toEqual([["hi"], ["hi"]]);
    expect(stored.id).toBe(`${ada.session}-1`);
  });

  test("answer requests", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    const sum = ada.request("add", [1, 2, 3]);
    await pair.clock.settle();
    expect(await sum).toBe(6);
  });

  test("lose, repeat and reorder nothing over many cuts", async () => {
    const { pair } = await bench();
    const [ada, bob] = [await pair.openClient(), await pair.openClient()];
    const [a, b] = [ada.join("chat/a"), bob.join("chat/a")];
    const heard = listen(b);
    const texts = Array.from({ length: 60 }, (_, index) => String(index));
    const stored: Promise<unknown>[] = [];
    for (const [index, text] of texts.entries()) {
      stored.push(a.publish("message", { text }));
      if (index % 7 === 3) pair.links.at(-1)?.cut();
      if (index % 11 === 5) pair.links.at(-2)?.cut();
      if (index % 5 === 0) await pair.clock.settle();
      if (index % 13 === 0) await pair.clock.advance(1000);
    }
    await pair.clock.advance(60_000);
    await Promise.all(stored);
    expect(heard).toEqual(texts);
  });

  test("get through a half-open connection, both ways", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    const a = ada.join("chat/a");
    const heard = listen(a);
    await pair.clock.settle();
    pair.lastLink.freeze();
    const stored = a.publish("message", { text: "hi" });
    await pair.server.publish("chat/a", "message", { text: "meanwhile" });
    await pair.clock.advance(120_000);
    await stored;
    expect(heard).toEqual(["meanwhile", "hi"]);
    expect(pair.server.stats().connections).toBe(1);
  });

  test("run a request once whose answer was lost, and give the answer again", async () => {
    const { pair, runs } = await bench();
    const ada = await pair.openClient();
    pair.lastLink.hold();
    const sum = ada.request("add", [1, 2]);
    await pair.clock.settle();
    pair.lastLink.cut();
    await pair.clock.advance(5000);
    expect([await sum, runs.add]).toEqual([3, 1]);
  });

  test("give the newer connection of a session the right of way", async () => {
    const { pair } = await bench();
    const first = await pair.socket();
    first.hello({ generation: 1 });
    await pair.clock.settle();
    const second = await pair.socket();
    second.hello({ generation: 2 });
    await pair.clock.settle();
    expect([first.closeCode, second.closeCode]).toEqual([4409, null]);
    const late = await pair.socket();
    late.hello({ generation: 1 });
    await pair.clock.settle();
    expect([late.closeCode, second.closeCode]).toEqual([4409, null]);
  });

  test("let nobody have a session who knows no more than its id", async () => {
    const { pair } = await bench();
    const owner = await pair.socket();
    owner.hello();
    await pair.clock.settle();
    const session = owner.of("welcome")[0]?.["user"] as string;
    for (const secret of [session, `${session}${session}`]) {
      const thief = await pair.socket();
      thief.hello({ session, secret, generation: 9 });
      await pair.clock.settle();
      expect(thief.of("welcome")[0]?.["user"]).not.toBe(session);
    }
    expect(owner.closeCode).toBeNull();
  });

  test("close a connection whose ref falls back", async () => {
    const { pair } = await bench();
    const raw = await pair.socket();
    raw.hello();
    await pair.clock.settle();
    for (const ref of [5, 5]) {
      raw.send({ type: "request", ref, request: "add", payload: [1] });
      await pair.clock.settle();
    }
    expect([raw.closeCode, raw.of("reply").length]).toEqual([4400, 1]);
  });
});

describe("a request", () => {
  test("that was never sent times out as TIMEOUT, and is not sent later", async () => {
    const { pair, runs } = await bench();
    pair.offline = true;
    const ada = await pair.openClient();
    const sum = ada.request("add", [1], { timeoutMs: 1000 });
    const ended = expect(sum).rejects.toMatchObject({ code: "TIMEOUT", retryable: true });
    await pair.clock.advance(1000);
    await ended;
    pair.offline = false;
    await pair.clock.advance(60_000);
    expect(runs.add).toBe(0);
  });

  test("that was sent times out as UNCERTAIN", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    pair.lastLink.freeze();
    const ended = expect(ada.request("add", [1])).rejects.toMatchObject({ code: "UNCERTAIN" });
    await pair.clock.advance(30_000);
    await ended;
  });

  test("that is answered leaves no timer behind", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    await pair.clock.settle();
    const before = pair.clock.timerCount;
    void ada.request("add", [1]);
    await pair.clock.settle();
    expect(pair.clock.timerCount).toBe(before);
  });
});

describe("publishes", () => {
  test("go through their fates", async () => {
    const { pair } = await bench();
    pair.offline = true;
    const ada = await pair.openClient();
    const fates: Fate["fate"][] = [];
    ada.onFate(({ fate }) => fates.push(fate));
    void ada.join("chat/a").publish("message", { text: "hi" });
    expect(ada.pending).toMatchObject([{ fate: "queued", payload: { text: "hi" } }]);
    pair.offline = false;
    await pair.clock.advance(5000);
    expect(fates).toEqual(["queued", "sent", "stored"]);
    expect(ada.pending).toEqual([]);
  });

  test("that do not fit their schema are refused, and say where", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    const stored = ada.join("chat/a").publish("message", { text: 7 as never });
    const ended = expect(stored).rejects.toMatchObject({ code: "INVALID", issues: [{ path: ["text"] }] });
    await pair.clock.settle();
    await ended;
  });

  test("after the client was closed are refused with CLOSED", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    const lobby = ada.join("chat/a");
    ada.close();
    await expect(lobby.publish("message", { text: "hi" })).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("larger than the server takes are refused, also those queued before it was known", async () => {
    const { pair } = await bench({ limits: { payloadBytes: 8192 } });
    const ada = pair.client();
    const lobby = ada.join("chat/a");
    const outcomes: unknown[] = [];
    for (const text of ["x".repeat(10_000), "small"]) {
      lobby.publish("message", { text }).then(
        ({ offset }) => outcomes.push(offset),
        ({ code }: { code: string }) => outcomes.push(code),
      );
    }
    await pair.clock.advance(5000);
    expect(ada.status.state).toBe("open");
    expect(outcomes).toEqual(["PAYLOAD_TOO_LARGE", 1]);
  });
});

describe("what is larger than the server takes", () => {
  test.each(["signal", "presence state"])("does not end the connection as a %s", async (what) => {
    const { pair } = await bench({ limits: { payloadBytes: 8192 } });
    const ada = await pair.openClient();
    const lobby = ada.join("chat/a");
    await pair.clock.settle();
    try {
      if (what === "signal") lobby.publish("typing", "x".repeat(10_000));
      else lobby.presence.set("x".repeat(10_000));
    } catch {
      // To throw is a way to refuse it.
    }
    await pair.clock.settle();
    expect([ada.status, pair.links.length]).toEqual([{ state: "open", degraded: false }, 1]);
  });
});

describe("leaving a room", () => {
  test("and joining it again in the same breath ends up in it", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    ada.join("chat/a").leave();
    const lobby = ada.join("chat/a");
    const heard = listen(lobby);
    await pair.clock.settle();
    expect(lobby.status.state).toBe("joined");
    await pair.server.publish("chat/a", "message", { text: "hi" });
    await pair.clock.settle();
    expect(heard).toEqual(["hi"]);
  });

  test("while the hello that names it is on its way leaves it on the server too", async () => {
    const { pair } = await bench();
    const ada = pair.client();
    const lobby = ada.join("chat/a", { presence: { name: "Ada" } });
    while (pair.links.length === 0 || pair.lastLink.toServer.length === 0) await pair.clock.turn();
    pair.lastLink.hold();
    lobby.leave();
    await pair.clock.settle();
    pair.lastLink.release();
    await pair.clock.settle();
    expect(ada.status.state).toBe("open");
    expect((await pair.broker.members("chat/a", 10)).count).toBe(0);
    expect(pair.server.stats().rooms).toBe(0);
  });
});

describe("presence", () => {
  test("stays through a reconnect within the grace, and ends after it", async () => {
    const { pair } = await bench();
    const [ada, bob] = [await pair.openClient(), await pair.openClient()];
    ada.join("chat/a", { presence: 1 });
    const seen: number[] = [];
    bob.join("chat/a").presence.onChange((members) => seen.push(members.size));
    await pair.clock.settle();
    pair.links[0]?.cut();
    await pair.clock.advance(8000);
    expect(seen.slice(seen.indexOf(1)).filter((size) => size !== 1)).toEqual([]);
    ada.close();
    await pair.clock.advance(12_000);
    expect(seen.at(-1)).toBe(0);
  });

  test("lasts as long as its grace, also where that is longer than two minutes", async () => {
    const { pair } = await bench({ presenceGraceMs: 300_000 });
    const ada = await pair.openClient();
    ada.join("chat/a", { presence: 1 });
    await pair.clock.settle();
    pair.offline = true;
    pair.lastLink.cut();
    await pair.clock.advance(290_000);
    expect((await pair.broker.members("chat/a", 10)).count).toBe(1);
    await pair.clock.advance(15_000);
    expect((await pair.broker.members("chat/a", 10)).count).toBe(0);
  });

  test("of a join that the broker could not complete waits, and is there when it can", async () => {
    let fails = true;
    const inner = memory();
    const broker = altered(inner, {
      members: async (name, limit) => {
        if (fails) throw new Error("down");
        return inner.members(name, limit);
      },
    });
    const { pair } = await bench({ broker });
    const ada = await pair.openClient();
    const lobby = ada.join("chat/a", { presence: 1 });
    await pair.clock.advance(2000);
    expect(lobby.status.state).toBe("joining");
    fails = false;
    await pair.clock.advance(5000);
    expect(lobby.status.state).toBe("joined");
    expect((await inner.members("chat/a", 10)).count).toBe(1);
  });

  test("of any depth harms nobody", async () => {
    const { pair } = await bench();
    const [ada, bob] = [await pair.openClient(), await pair.openClient()];
    const heard = listen(bob.join("chat/a"));
    await pair.clock.settle();
    const raw = await pair.socket();
    raw.hello({ rooms: [{ room: "chat/a" }] });
    await pair.clock.settle();
    const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    pair.lastLink.listener?.receive(`{"type":"presence","room":"chat/a","payload":${deep}}`);
    await pair.clock.settle();
    void ada.join("chat/a").publish("message", { text: "hi" });
    await pair.clock.settle();
    expect(heard).toEqual(["hi"]);
  });
});

describe("what a server can't take", () => {
  const proto = JSON.parse('{"text":"x","__proto__":1}') as { text: string };

  test("is refused by itself, and the client goes on", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    const room = ada.join("chat/a");
    await pair.clock.settle();
    const refused = [room.publish("message", proto), ada.request("again", proto)];
    const settled = Promise.allSettled(refused);
    room.presence.set(proto);
    await pair.clock.settle();
    for (const outcome of await settled) expect(outcome).toMatchObject({ reason: { code: "INVALID" } });
    const stored = room.publish("message", { text: "hi" });
    await pair.clock.settle();
    expect(await stored).toMatchObject({ offset: 1 });
    expect(ada.status.state).toBe("open");
  });

  test("is refused of one room of a hello, and the others are joined", async () => {
    const { pair } = await bench();
    const ada = pair.client();
    const [a, b] = [ada.join("chat/a", { presence: proto }), ada.join("chat/b")];
    ada.connect();
    await pair.clock.settle();
    expect([a.status, b.status]).toMatchObject([
      { state: "refused", error: { code: "INVALID", message: "the key __proto__ is not allowed" } },
      { state: "joined" },
    ]);
  });
});

test("signals whose handlers take their time never undo a newer one", async () => {
  const pair = new Pair(chat);
  const finish: (() => void)[] = [];
  pair.server.room("chat/:room", {
    on: { typing: () => new Promise<void>((resolve) => finish.push(resolve)) },
  });
  pair.server.request("add", () => 0).request("again", () => 0);
  await pair.start();
  const [ada, bob] = [await pair.openClient(), await pair.openClient()];
  const [a, b] = [ada.join("chat/a"), bob.join("chat/a")];
  const heard: unknown[] = [];
  b.on("typing", ({ payload }) => heard.push(payload));
  await pair.clock.settle();
  for (const step of [1, 2, 3]) a.publish("typing", step);
  await pair.clock.settle();
  for (const index of [0, 2, 1]) {
    finish[index]?.();
    await pair.clock.settle();
  }
  expect(heard).toEqual([1, 3]);
});

describe("a heartbeat", () => {
  test("as short as may be never ends a connection that answers", async () => {
    const pair = new Pair(contract({}), { heartbeatMs: 1000 });
    await pair.start();
    const ada = await pair.openClient();
    await pair.clock.advance(10_000);
    expect([ada.status.state, pair.links.length]).toEqual(["open", 1]);
  });

  test("shorter than time is looked at is refused", () => {
    expect(() => new Pair(contract({}), { heartbeatMs: 999 })).toThrow(
      "heartbeatMs must be at least 1000, not 999",
    );
  });
});

describe("shutting down", () => {
  test("tells each client when to come back, and lets nobody in", async () => {
    const { pair } = await bench();
    await pair.openClient();
    const drained = pair.server.drain({ spreadMs: 4000, deadlineMs: 10_000 });
    await pair.clock.settle();
    expect(pair.lastLink.toClient.at(-1)).toEqual({ type: "goaway", delayMs: 2000 });
    expect(await pair.transport.ask("", null)).toMatchObject({
      status: 503,
      code: "DRAINING",
      retryAfterMs: 5000,
    });
    await pair.clock.advance(10_000);
    await drained;
    expect(pair.server.stats().connections).toBe(0);
  });

  test("answers what was asked before it sends a client away, and keeps what is asked after for later", async () => {
    const pair = new Pair(chat);
    const finish: (() => void)[] = [];
    pair.server.request("add", async () => {
      await new Promise<void>((resolve) => finish.push(resolve));
      return finish.length;
    });
    pair.server.request("again", () => 0);
    await pair.start();
    const ada = await pair.openClient();
    const running = ada.request("add", []);
    await pair.clock.settle();
    const drained = pair.server.drain({ spreadMs: 4000, deadlineMs: 10_000 });
    await pair.clock.advance(3000);
    ada.request("add", []).catch(() => {});
    await pair.clock.settle();
    expect([ada.status.state, finish.length]).toEqual(["open", 1]);
    finish[0]?.();
    await pair.clock.settle();
    expect([await running, ada.status.state, finish.length]).toEqual([1, "waiting", 1]);
    await drained;
    ada.close();
  });

  test("at once ends a drain under way", async () => {
    const { pair } = await bench();
    const client = await pair.socket();
    client.hello();
    await pair.clock.settle();
    const drained = pair.server.drain({ spreadMs: 60_000, deadlineMs: 60_000 });
    const closed = pair.server.close();
    await pair.clock.advance(1000);
    await Promise.all([drained, closed]);
    expect(client.closeCode).toBe(1012);
  });

  test("closes whoever is left, also those who have said no hello", async () => {
    const { pair } = await bench();
    const silent = await pair.socket();
    const open = await pair.socket();
    open.hello();
    await pair.clock.settle();
    const closed = pair.server.close();
    await pair.clock.advance(1000);
    await closed;
    expect([open.closeCode, silent.closeCode]).toEqual([1012, 1012]);
  });
});
