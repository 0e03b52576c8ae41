import * as z from "zod";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createClient } from "../../src/client/client.ts";
import type { Client } from "../../src/client/client-types.ts";
import { contract, event, room, signal } from "../../src/contract/contract.ts";
import { serve } from "../../src/engines/node/index.ts";
import { createServer, type Server } from "../../src/server/server.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.number()), other: event(z.number()), typing: signal(z.number()) },
      presence: z.number(),
      history: { count: 100 },
    }),
  },
});

type ChatClient = Client<typeof chat>;
type ChatRoom = ReturnType<typeof enter>;

function enter(client: ChatClient, name = "a", history = 50) {
  return client.join(`chat/${name}`, { history });
}

/** Every way to come to the line after `joined()`. */
const waits: Record<string, (lobby: ChatRoom) => Promise<unknown>> = {
  "joined()": (lobby) => lobby.joined(),
  "joined() in a function of functions": async (lobby) => {
    const inner = async (): Promise<void> => lobby.joined();
    const outer = async (): Promise<void> => {
      await inner();
    };
    await outer();
  },
  "joined() and fifty promises": async (lobby) => {
    await lobby.joined();
    for (let count = 0; count < 50; count += 1) await Promise.resolve();
  },
  "joined() after then, catch and finally": (lobby) =>
    lobby
      .joined()
      .then(() => 1)
      .catch(() => 2)
      .finally(() => 3),
};

const fifty = Array.from({ length: 50 }, (_, n) => n);

async function fill(server: Server<typeof chat>, name = "a"): Promise<void> {
  for (const n of fifty) await server.publish(`chat/${name}`, "message", n);
}

/** Resolves with the numbers when there are so many. */
function collect(lobby: ChatRoom, count: number): Promise<number[]> {
  const heard: number[] = [];
  return new Promise((resolve) => {
    lobby.on("message", ({ payload }) => {
      if (heard.push(payload) === count) resolve(heard);
    });
  });
}

describe("over a socket of ws, which hands on all frames of a chunk in one turn", () => {
  async function started() {
    const server = createServer(chat, { logger: false });
    const { port } = await serve(server, { port: 0, signals: false });
    onTestFinished(() => server.close());
    await fill(server);
    const client = createClient(chat, { url: `ws://127.0.0.1:${port}/bowline`, WebSocket });
    onTestFinished(() => client.close());
    return { server, client };
  }

  test.each(Object.keys(waits))("the history is heard by who listens after %s", async (wait) => {
    const { client } = await started();
    const lobby = enter(client);
    await waits[wait]?.(lobby);
    expect(lobby.position?.offset).toBe(0);
    expect(lobby.behind).toBe(50);
    expect(await collect(lobby, 50)).toEqual(fifty);
    expect([lobby.position?.offset, lobby.behind]).toEqual([50, 0]);
  });

  test("rooms joined together and waited for one after the other lose nothing", async () => {
    const { client, server } = await started();
    await fill(server, "b");
    const [a, b] = [enter(client, "a"), enter(client, "b")];
    await a.joined();
    await b.joined();
    const heardInB = collect(b, 50);
    expect(await collect(a, 50)).toEqual(fifty);
    expect(await heardInB).toEqual(fifty);
  });

  test("nor do those that are all waited for", async () => {
    const { client, server } = await started();
    await fill(server, "b");
    const rooms = [enter(client, "a"), enter(client, "b")];
    await Promise.all(rooms.map((lobby) => lobby.joined()));
    const heard = await Promise.all(rooms.map((lobby) => collect(lobby, 50)));
    expect(heard).toEqual([fifty, fifty]);
  });
});

describe("what comes right after a join", () => {
  async function bench() {
    const pair = await new Pair(chat).start();
    await fill(pair.server);
    return { pair, ada: await pair.openClient() };
  }

  test("comes in its order to who listens after joined(): history, gap, signal, error, news", async () => {
    const { pair, ada } = await bench();
    const lobby = ada.join("chat/a", { position: { offset: 7, epoch: "another" }, history: 3 });
    const told: string[] = [];
    const listening = lobby.joined().then(() => {
      expect(lobby.position).toEqual({ offset: 7, epoch: "another" });
      lobby.onGap(({ reason }) => told.push(`gap ${reason}`));
      lobby.onError(({ code }) => told.push(code));
      lobby.on("typing", ({ payload }) => told.push(`typing ${payload}`));
      lobby.on("message", ({ payload }) => told.push(`message ${payload}`));
    });
    await pair.clock.settle();
    await listening;
    // A log that has all of it is read from its beginning.
    expect(told).toEqual(["gap epoch", ...fifty.map((n) => `message ${n}`)]);
    lobby.presence.set("no number" as never);
    await pair.server.publish("chat/a", "message", 51);
    await pair.server.signal("chat/a", "typing", 1);
    await pair.clock.settle();
    expect(told.slice(51).toSorted()).toEqual(["INVALID", "message 51", "typing 1"]);
  });

  test("also a refused presence state, that was set while the join was on its way", async () => {
    const { pair, ada } = await bench();
    const lobby = ada.join("chat/a");
    // The join goes out when this turn's code has run.
    await Promise.resolve();
    lobby.presence.set("no number" as never);
    const codes: string[] = [];
    lobby.onGap(() => {});
    void lobby.joined().then(() => lobby.onError(({ code }) => codes.push(code)));
    await pair.clock.settle();
    expect(codes).toEqual(["INVALID"]);
  });

  test("a listener of something else before the join does not let it go by", async () => {
    const { pair, ada } = await bench();
    const lobby = enter(ada);
    lobby.onError(() => {});
    lobby.onGap(() => {});
    lobby.onStatus(() => {});
    lobby.presence.onChange(() => {});
    lobby.on("other", () => {});
    const heard: number[] = [];
    void lobby.joined().then(() => lobby.on("message", ({ payload }) => heard.push(payload)));
    await pair.clock.settle();
    expect(heard).toEqual(fifty);
  });

  test("waits for the first listener, however long that takes, and goes through a reconnect", async () => {
    const { pair, ada } = await bench();
    const lobby = enter(ada);
    await pair.clock.advance(60_000);
    pair.lastLink.cut();
    await pair.clock.advance(5000);
    expect([lobby.status.state, lobby.position?.offset, lobby.behind]).toEqual(["joined", 0, 50]);
    await pair.server.publish("chat/a", "message", 50);
    await pair.clock.settle();
    const heard: number[] = [];
    lobby.on("message", ({ payload }) => heard.push(payload));
    expect(heard).toEqual([]);
    await pair.clock.settle();
    expect([heard, lobby.position?.offset]).toEqual([[...fifty, 50], 51]);
  });

  test("is kept up to a thousand, and then goes by", async () => {
    const { pair, ada } = await bench();
    const lobby = enter(ada);
    await pair.clock.settle();
    for (let n = 50; n < 1000; n += 1) await pair.server.publish("chat/a", "other", n);
    await pair.clock.settle();
    expect(lobby.position?.offset).toBe(0);
    await pair.server.publish("chat/a", "other", 1000);
    await pair.clock.settle();
    expect(lobby.position?.offset).toBe(1001);
  });

  test("is not held where there is a listener: what comes later comes at once", async () => {
    const { pair, ada } = await bench();
    const lobby = enter(ada, "fresh");
    const heard: number[] = [];
    lobby.on("message", ({ payload }) => heard.push(payload));
    await pair.clock.settle();
    await pair.server.publish("chat/fresh", "message", 1);
    await pair.clock.turn();
    await pair.clock.turn();
    expect(heard).toEqual([1]);
  });

  test("states are there for who looks: members, status of room and client", async () => {
    const { pair, ada } = await bench();
    const lobby = ada.join("chat/a", { presence: 7 });
    const states: unknown[] = [];
    void lobby.joined().then(() => {
      states.push(
        [...lobby.presence.members.values()].map(({ state }) => state),
        lobby.status.state,
      );
      states.push(ada.status.state);
    });
    await pair.clock.settle();
    expect(states).toEqual([[7], "joined", "open"]);
  });

  test("a refusal is told by joined(), by the status and to who listens then", async () => {
    const pair = new Pair(chat);
    pair.server.room("chat/:room", { join: () => false });
    await pair.start();
    const lobby = enter(await pair.openClient());
    const codes: string[] = [];
    void lobby.joined().catch(({ code }: { code: string }) => {
      codes.push(code, lobby.status.state);
      lobby.onError((error) => codes.push(`told ${error.code}`));
    });
    await pair.clock.settle();
    expect(codes).toEqual(["FORBIDDEN", "refused", "told FORBIDDEN"]);
  });

  test("publishes a store brought back are followed by who listens right after createClient", async () => {
    const pair = await new Pair(chat).start();
    const session = {
      secret: "secret-0123456789-0123456789",
      id: null,
      user: null,
      userRef: 0,
      generation: 0,
      refs: 1001,
      ledger: "",
    };
    const publishes = [{ ref: 1, room: "chat/a", event: "message", json: "1", sent: false }];
    const ada = pair.client({ store: { initial: { session, publishes }, save: () => {} } });
    const told: string[] = [];
    await Promise.resolve();
    ada.onFate(({ fate }) => told.push(fate));
    ada.onStatus(({ state }) => told.push(state));
    await pair.clock.settle();
    expect(told).toEqual(["open", "sent", "stored"]);
  });
});
