import * as z from "zod";
import { expect, test, vi } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { contract, event, request, room, type Contract } from "../../src/contract/contract.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Pair } from "../support/pair.ts";
import { RecordedLog } from "../support/recorded-log.ts";

const message = event(z.object({ text: z.string() }));
const ask = request({ input: z.null(), output: z.null() });
const old = contract({ rooms: { "chat/:room": room({ events: { message, shout: message } }) } });
const newer = contract({
  rooms: { "chat/:room": room({ events: { message, notice: message } }) },
  requests: { ask },
});
const said = `bowline: the server has another contract than this client: only the server has the event "notice" of "chat/:room"; the server lacks the event "shout" of "chat/:room"; only the server has the request "ask"`;

/** A server of the newer contract, and what the console and the logger are told. */
async function bench(options: ServerOptions = {}) {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const log = new RecordedLog();
  const pair = new Pair(newer, { logger: log, ...options });
  pair.server.request("ask", () => null);
  await pair.start();
  const { clock, random, transport } = pair;
  const connect = async <C extends Contract>(of: C, isHeard = true) => {
    const url = "ws://test/bowline";
    const client = createClient(of, { url, clock, random, transport, log: isHeard });
    await clock.settle();
    return client;
  };
  return { pair, log, connect, printed: () => warn.mock.calls.map(([text]) => String(text)) };
}

test("a client whose contract is the server's is told its hash alone, and says nothing", async () => {
  const { pair, log, connect, printed } = await bench();
  await connect(newer);
  const { toServer, toClient } = pair.lastLink;
  const hash = toServer[0]?.["contract"];
  expect(hash).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(toClient[0]?.["contract"]).toEqual({ hash });
  expect([printed(), log.of("warn")]).toEqual([[], []]);
});

test("one that has another says what differs, once, and works", async () => {
  const { pair, connect, printed } = await bench();
  const client = await connect(old);
  expect(client.status.state).toBe("open");
  expect(printed()).toEqual([said]);
  client.reconnect();
  await pair.clock.settle();
  expect(pair.links.length).toBe(2);
  expect(printed()).toEqual([said]);
  const stored = client.publish("chat/a", "message", { text: "hi" });
  await pair.clock.settle();
  expect(await stored).toHaveProperty("offset", 1);
  await connect(old);
  expect(printed()).toEqual([said, said]);
});

test("with log: false the console is told nothing", async () => {
  const { connect, printed } = await bench();
  await connect(old, false);
  expect(printed()).toEqual([]);
});

test("the server has a line for each contract that is another one", async () => {
  const { log, connect } = await bench();
  for (const of of [old, old, newer, contract({})]) await connect(of);
  const lines = log.of("warn");
  expect(lines.map(({ message: text }) => text.replaceAll(/"[^"]*"/g, '""'))).toEqual([
    'a client of user "" has another contract ("", here ""): its console says what differs',
    'a client of user "" has another contract ("", here ""): its console says what differs',
  ]);
  expect(new Set(lines.map(({ fields }) => fields["theirs"])).size).toBe(2);
});

test("after a hundred of them it has no more", async () => {
  const { pair, log } = await bench();
  for (let index = 0; index < 105; index += 1) {
    const raw = await pair.socket();
    const secret = `secret-of-some-length-${index}`;
    raw.send({ type: "hello", secret, generation: 1, rooms: [], contract: `hash ${index}` });
    await pair.clock.settle();
  }
  expect(log.of("warn").length).toBe(100);
});

test("who does not ask is told nothing, and a hash that is none is no sound hello", async () => {
  const { pair } = await bench();
  const hello = { type: "hello", secret: "a-secret-of-some-length", generation: 1, rooms: [] };
  const welcome = async (more: object): Promise<unknown[]> => {
    const raw = await pair.socket();
    raw.send({ ...hello, ...more });
    await pair.clock.settle();
    return [raw.link?.toClient[0]?.["contract"], raw.link?.closedBy?.code];
  };
  expect(await welcome({})).toEqual([undefined, undefined]);
  for (const none of [null, 5, "", "x".repeat(65)])
    expect(await welcome({ contract: none })).toEqual([undefined, 4400]);
});

test("whatever a newer server sends as its outline ends nothing", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { tellContract } = await import("../../src/client/contract-check.ts");
  for (const outline of [5, "x", [], { rooms: 5 }, { rooms: { "chat/:room": null } }, { inbox: 7 }]) {
    const welcome = { contract: { hash: "h", outline } } as never;
    expect(() => tellContract({ contract: old, log: true }, welcome)).not.toThrow();
  }
  expect(warn.mock.calls.length).toBeLessThan(7);
});
