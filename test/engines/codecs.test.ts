import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { contract, event, request, room, signal } from "bowline";
import { attach, serve } from "bowline/node";
import { BowlineError, createServer } from "bowline/server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { sessionIdOf } from "../../src/protocol/session-id.ts";
import type { Codec } from "../../src/server/codec.ts";
import { jsonCodec } from "../../src/server/json-codec.ts";
import { binaryCodec, binarySubprotocol, pack } from "../support/binary-codec.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import type { WireFrame } from "../support/pair.ts";
import { offers, WireClient } from "../support/wire-client.ts";

// Clients of two encodings on one server, over real WebSockets.

const name = "chat/a";
const historyCount = 20;
const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.any()), typing: signal(z.any()) },
      presence: z.any(),
      history: { count: historyCount },
    }),
  },
  requests: {
    add: request({ input: z.any(), output: z.any() }),
    refuse: request({ input: z.any(), output: z.any() }),
  },
});

type Encoding = keyof typeof offers;
const codecs: Readonly<Record<Encoding, Codec>> = { json: jsonCodec, binary: binaryCodec };
const secret = "ada-ada-ada-ada-ada-ada-ada";

/** A server with the binary codec beside JSON's. */
async function start() {
  const server = createServer(chat, { logger: false, codecs: [binaryCodec] });
  const runs: string[] = [];
  server.request("add", ({ payload }) => {
    runs.push("add");
    return payload as unknown;
  });
  server.request("refuse", () => {
    runs.push("refuse");
    throw new BowlineError("no_more", "no more of it");
  });
  const { port } = await serve(server, { port: 0, signals: false });
  onTestFinished(() => server.close());
  let members = 0;
  /** A member of the room, in a session of its own unless a secret is given. */
  const join = async (encoding: Encoding, hello: object = {}): Promise<WireClient> => {
    const client = await WireClient.hello(port, offers[encoding], {
      secret: `member-${(members += 1)}-of-this-test-file`,
      rooms: [{ room: name }],
      ...hello,
    });
    await client.next("joined");
    return client;
  };
  return { server, port, runs, join };
}

const publish = (ref: number, payload: unknown = { n: ref }) => ({
  type: "publish",
  ref,
  room: name,
  event: "message",
  payload,
});

/** How often each publication was encoded, by its offset. */
function encodings(encoding: Encoding): () => number[] {
  const spy = vi.spyOn(codecs[encoding], "publication");
  onTestFinished(() => spy.mockRestore());
  return () => spy.mock.calls.map(([, { offset }]) => offset);
}

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe("the encoding of a connection", () => {
  test.each([
    ["the only one that is offered", ["bowline.v1.json"], "bowline.v1.json"],
    ["the first of those offered", [binarySubprotocol, "bowline.v1.json"], binarySubprotocol],
    ["the first, whichever it is", ["bowline.v1.json", binarySubprotocol], "bowline.v1.json"],
    ["the first that the server has", ["x.v1.cbor", binarySubprotocol], binarySubprotocol],
    ["not a token", ["bowline.token.YQ", binarySubprotocol], binarySubprotocol],
  ])("is %s", async (_what, offered, selected) => {
    const { port } = await start();
    expect((await WireClient.open(port, offered)).subprotocol).toBe(selected);
  });

  test("that the server does not have is refused, with those that it has", async () => {
    const { port } = await start();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/bowline`, ["x.v1.cbor"]);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, NodeJS.ReadableStream];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    expect(JSON.parse(body)).toEqual({
      code: "UPGRADE_REQUIRED",
      message: `offer the subprotocol bowline.v1.json or ${binarySubprotocol}`,
    });
  });

  test.each<[Encoding, string | Uint8Array]>([
    ["json", pack({ type: "ping" })],
    ["json", new TextEncoder().encode('{"type":"ping"}')],
    ["binary", '{"type":"ping"}'],
    ["binary", pack({ type: "ping" }).subarray(1)],
  ])("is kept to: %s is closed with 4400 on a message of another one", async (encoding, message) => {
    const { join } = await start();
    const client = await join(encoding);
    client.sendRaw(message);
    expect(await client.closed()).toBe(4400);
  });

  test("has the same rules: what is wrong with a call is said, and the connection goes on", async () => {
    const { join } = await start();
    for (const encoding of ["json", "binary"] as const) {
      const client = await join(encoding);
      client.send({ ...publish(1), payload: undefined }, { ...publish(2), room: "nowhere" }, publish(3));
      expect(await client.nextOf("error", 2)).toMatchObject([
        { ref: 1, code: "INVALID" },
        { ref: 2, code: "UNKNOWN_ROOM" },
      ]);
      expect(await client.next("ack")).toMatchObject({ ref: 3 });
    }
  });
});

describe("members of one room, in two encodings", () => {
  test("read the same publications in one order, each encoded once for each encoding", async () => {
    const { join, server } = await start();
    const encoded = { json: encodings("json"), binary: encodings("binary") };
    const members = await Promise.all(
      (["json", "binary", "json", "binary", "binary"] as const).map((encoding) => join(encoding)),
    );
    const each = 8;
    for (let ref = 1; ref <= each; ref += 1)
      for (const member of members) member.send(publish(ref, { text: "ü \u{1F600}", ref, none: null }));
    await server.publish(name, "message", "of the server");
    const count = each * members.length + 1;
    const read = await Promise.all(members.map((member) => member.nextOf("event", count)));
    expect(read[0]?.map(({ offset }) => offset)).toEqual(oneTo(count));
    for (const events of read) expect(events).toEqual(read[0]);
    expect(encoded.json()).toEqual(oneTo(count));
    expect(encoded.binary()).toEqual(oneTo(count));
  });

  test.each<[Encoding, Encoding]>([
    ["json", "binary"],
    ["binary", "json"],
  ])("nothing is encoded where all have %s for who has another one", async (encoding, other) => {
    const { join, port } = await start();
    const encoded = encodings(other);
    // Connected, but no reader of the room.
    await WireClient.hello(port, offers[other], { secret });
    const member = await join(encoding);
    member.send(publish(1), publish(2));
    await member.nextOf("event", 2);
    expect(encoded()).toEqual([]);
  });

  test("are given the history, and told of a gap", async () => {
    const { join } = await start();
    const writer = await join("json");
    for (let ref = 1; ref <= historyCount + 5; ref += 1) writer.send(publish(ref));
    await writer.nextOf("ack", historyCount + 5);
    for (const encoding of ["json", "binary"] as const) {
      const late = await join(encoding, { rooms: [{ room: name, history: 3 }] });
      expect((await late.nextOf("event", 3)).map(({ payload }) => payload)).toEqual(
        [3, 4, 5].map((more) => ({ n: historyCount + more })),
      );
      const joined = late.frames.find(({ type }) => type === "joined");
      const position = { ...(joined?.["position"] as object), offset: 2 };
      const overtaken = await join(encoding, { rooms: [{ room: name, position }] });
      expect(await overtaken.next("gap")).toMatchObject({ room: name, reason: "trimmed" });
    }
  });

  test("see one another, and one another's signals", async () => {
    const { join } = await start();
    const members: WireClient[] = [];
    for (const encoding of ["json", "binary"] as const)
      members.push(await join(encoding, { rooms: [{ room: name, presence: { at: encoding, list: [1] } }] }));
    const [ada, bob] = members as [WireClient, WireClient];
    const listed = bob.frames.find(({ type }) => type === "joined")?.["members"];
    expect(listed).toMatchObject([{ state: { at: "json", list: [1] } }, { state: { at: "binary" } }]);
    while (!JSON.stringify(await ada.next("presence")).includes('"at":"binary"'));
    bob.send({ type: "presence", room: name, payload: "changed" });
    for (const member of members)
      while (!JSON.stringify(await member.next("presence")).includes('"state":"changed"'));
    ada.send({ type: "signal", room: name, event: "typing", payload: { active: true } });
    for (const member of members)
      expect(await member.next("signal")).toMatchObject({ event: "typing", payload: { active: true } });
  });
});

describe("a session that comes back in another encoding", () => {
  test.each<[Encoding, Encoding]>([
    ["json", "binary"],
    ["binary", "json"],
  ])("from %s to %s: gets the answers that were stored, and nothing is done again", async (from, to) => {
    const { join, runs } = await start();
    const calls = [
      publish(1),
      { type: "request", ref: 2, request: "add", payload: { of: [1, "ü"] } },
      { type: "request", ref: 3, request: "refuse", payload: null },
    ];
    const answersOf = async (client: WireClient) => {
      client.send(...calls);
      const answers: WireFrame[] = [];
      for (const _ of calls) answers.push(await client.next("ack", "reply", "error"));
      return answers.toSorted((a, b) => Number(a["ref"]) - Number(b["ref"]));
    };
    const before = await join(from, { secret });
    const first = await answersOf(before);
    expect(first).toMatchObject([
      { type: "ack", ref: 1 },
      { type: "reply", ref: 2, payload: { of: [1, "ü"] } },
      { type: "error", ref: 3, code: "no_more", message: "no more of it" },
    ]);
    await before.cut();
    const again = await join(to, { secret, generation: 2, rooms: [{ room: name, history: 10 }] });
    expect(again.subprotocol).not.toBe(before.subprotocol);
    expect(again.frames.find(({ type }) => type === "welcome")).toMatchObject({ ref: 3 });
    expect(await again.next("event")).toMatchObject({ id: `${sessionIdOf(secret)}-1`, offset: 1 });
    expect(await answersOf(again)).toEqual(first);
    expect(runs).toEqual(["add", "refuse"]);
  });
});

test("two engines serve one server, each with its own framing: a publication is encoded once for both", async () => {
  const { join, server } = await start();
  const encoded = encodings("json");
  const http = createHttpServer();
  await attach(server, http);
  await once(http.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void http.close());
  const attached = await WireClient.hello((http.address() as AddressInfo).port, offers.json, {
    secret,
    rooms: [{ room: name }],
  });
  await attached.next("joined");
  const member = await join("json");
  const simulated = new FakeSocket();
  const headers = { "sec-websocket-protocol": "bowline.v1.json" };
  const admitted = await server.gate.admit({ url: "/", headers, address: "" }, { holds: true });
  if (!admitted.ok) throw new Error(admitted.message);
  const listener = server.gate.open(simulated, admitted);
  onTestFinished(() => listener.closed(1000));
  listener.receive(
    JSON.stringify({ type: "hello", secret: `${secret}-2`, generation: 1, rooms: [{ room: name }] }),
  );
  await vi.waitFor(() => expect(simulated.frames.map(({ type }) => type)).toContain("joined"));
  member.send(publish(1), publish(2));
  const events = await member.nextOf("event", 2);
  expect(await attached.nextOf("event", 2)).toEqual(events);
  await vi.waitFor(() => expect(simulated.frames.filter(({ type }) => type === "event")).toEqual(events));
  expect(encoded()).toEqual([1, 2]);
});
