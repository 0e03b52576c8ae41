import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import type { Client, ClientOptions } from "../../src/client/client-types.ts";
import { closeCodes, closeName } from "../../src/protocol/codes.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) }, presence: z.any() }) },
  requests: { ask: request({ input: z.any(), output: z.any() }) },
});

type ChatPair = Pair<typeof chat>;

async function bench(options: ConstructorParameters<typeof Pair>[1] = {}): Promise<ChatPair> {
  const pair = new Pair(chat, options);
  pair.server.request("ask", () => "answer");
  return pair.start();
}

/** The end of a promise as the code it was rejected with. */
function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "resolved",
    (error: BowlineError) => error.code,
  );
}

interface Stop {
  readonly options?: Partial<ClientOptions>;
  readonly server?: ConstructorParameters<typeof Pair>[1];
  /** Brings it about on a client that has been made. */
  readonly stop: (pair: ChatPair, client: Client<typeof chat>) => void | Promise<void>;
}

const refuse = (code: string) => (): never => {
  throw new BowlineError(code, "no");
};

/** Every way in which a client comes to its end, by the code that tells of it. */
const stops: Record<string, Stop> = {
  CLOSED: { stop: (_pair, client) => client.close() },
  UNAUTHORIZED: { server: { authenticate: () => null }, stop: () => {} },
  FORBIDDEN: { server: { authenticate: refuse("FORBIDDEN") }, stop: () => {} },
  banned: { server: { authenticate: refuse("banned") }, stop: () => {} },
  CLOSE_4499: { stop: (pair) => pair.lastLink.serverEnd.close(4499, "") },
};
for (const [name, { code, action }] of Object.entries(closeCodes)) {
  if (action !== "reconnect" && name !== "SESSION_MISMATCH")
    stops[closeName(code)] = { stop: (pair) => pair.lastLink.serverEnd.close(code, "") };
}

describe.each(Object.entries(stops))("a client that ends with %s", (code, { server = {}, stop }) => {
  test("rejects all that waits with that, and what comes later at once", async () => {
    const pair = await bench(server);
    const client = pair.client();
    const lobby = client.join("chat/lobby", { presence: 1 });
    await pair.clock.settle();
    const waiting = [
      lobby.publish("message", 1),
      client.publish("chat/other", "message", 2),
      client.request("ask", null),
      client.join("chat/held").joined(),
    ].map(codeOf);
    await stop(pair, client);
    await pair.clock.settle();
    expect(client.status.state).toBe("closed");
    const later = [
      lobby.publish("message", 1),
      client.publish("chat/other", "message", 2),
      client.request("ask", null),
      lobby.joined(),
      client.join("chat/late").joined(),
    ].map(codeOf);
    const ends = await Promise.all([...waiting, ...later]);
    expect(ends).toEqual(ends.map(() => code));
    expect(lobby.status).toMatchObject({ state: "refused", error: { code } });
    expect(lobby.presence.members.size).toBe(0);
  });
});

describe("a client that has stopped", () => {
  const kick = (pair: ChatPair): void => pair.lastLink.serverEnd.close(4403, "out");

  test("joins its rooms again when it connects, and sends what it kept", async () => {
    const pair = await bench();
    const client = await pair.openClient();
    const lobby = client.join("chat/lobby");
    const heard: unknown[] = [];
    lobby.on("message", ({ payload }) => heard.push(payload));
    await pair.clock.settle();
    pair.lastLink.freeze();
    const lost = codeOf(lobby.publish("message", "kept"));
    await pair.server.publish("chat/lobby", "message", "missed");
    client.close();
    expect(await lost).toBe("CLOSED");
    const states: string[] = [];
    lobby.onStatus(({ state }) => states.push(state));
    client.connect();
    const joined = lobby.joined();
    await pair.clock.settle();
    await joined;
    expect(states).toEqual(["joining", "joined"]);
    expect(heard).toEqual(["missed", "kept"]);
  });

  test("tells of its rooms before it tells of itself, and once each", async () => {
    const pair = await bench();
    const client = await pair.openClient();
    const lobby = client.join("chat/lobby");
    await pair.clock.settle();
    const told: string[] = [];
    lobby.onStatus(({ state }) => told.push(`room ${state} while ${client.status.state}`));
    client.onStatus(({ state }) => told.push(state));
    kick(pair);
    await pair.clock.settle();
    expect(told).toEqual(["room refused while closed", "closed"]);
  });

  test.each(["room", "client"])("may be connected again by who hears of it from the %s", async (which) => {
    const pair = await bench();
    const client = await pair.openClient();
    const lobby = client.join("chat/lobby");
    await pair.clock.settle();
    const states: string[] = [];
    if (which === "room")
      lobby.onStatus(({ state }) => {
        if (state === "refused") client.connect();
      });
    client.onStatus(({ state }) => {
      states.push(state);
      if (state === "closed") client.connect();
    });
    kick(pair);
    await pair.clock.settle();
    expect(states.at(-1)).toBe("open");
    await lobby.joined();
    const stored = lobby.publish("message", 1);
    await pair.clock.settle();
    expect(await stored).toMatchObject({ offset: 1 });
  });

  test("forgets a room that is left then, and is in it no more after connecting", async () => {
    const pair = await bench();
    const client = await pair.openClient();
    const lobby = client.join("chat/lobby");
    await pair.clock.settle();
    kick(pair);
    await pair.clock.settle();
    lobby.leave();
    client.connect();
    await pair.clock.settle();
    expect([lobby.status.state, pair.server.stats().rooms]).toEqual(["left", 0]);
  });
});

test("calls of a client that was not connected yet wait for that", async () => {
  const pair = await bench();
  const client = pair.client({ connect: false });
  const calls = [client.join("chat/a").joined(), client.request("ask", null)].map(codeOf);
  client.connect();
  await pair.clock.settle();
  expect(await Promise.all(calls)).toEqual(["resolved", "resolved"]);
});

describe("a token that an upgrade was refused for", () => {
  async function refusals(tokens: readonly string[], good: string) {
    const asked: string[] = [];
    const pair = await bench({
      authenticate: ({ token = "" }) => {
        asked.push(token);
        return token === good ? { id: "ada" } : null;
      },
    });
    let next = 0;
    const client = pair.client({ token: () => tokens[Math.min(next++, tokens.length - 1)] });
    await pair.clock.settle();
    return { status: client.status, asked: new Set(asked), next };
  }

  test("is replaced by a new one, once", async () => {
    expect(await refusals(["old", "new"], "new")).toMatchObject({ status: { state: "open" }, next: 2 });
  });

  test("stops the client where there is no other", async () => {
    expect(await refusals(["old"], "new")).toMatchObject({
      status: { state: "closed", error: { code: "UNAUTHORIZED" } },
      next: 2,
    });
  });

  test("stops the client where the next one is refused as well", async () => {
    const { status, asked } = await refusals(["one", "two", "three"], "three");
    expect(status).toMatchObject({ state: "closed", error: { code: "UNAUTHORIZED" } });
    expect(asked).toEqual(new Set(["one", "two"]));
  });
});
