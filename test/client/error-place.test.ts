import * as z from "zod";
import { describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client-types.ts";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import type { BowlineError } from "../../src/protocol/errors.ts";
import { Pair } from "../support/pair.ts";

const text = z.object({ text: z.string().max(5) });
const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(text) }, presence: text }) },
  requests: { ask: request({ input: text, output: z.any(), errors: ["too_vague"] }) },
});

async function bench(): Promise<{ pair: Pair<typeof chat>; ada: Client<typeof chat> }> {
  const pair = new Pair(chat, { limits: { rooms: 1 } });
  pair.server
    .request("ask", ({ refuse }) => {
      throw refuse("too_vague", "what?");
    })
    .room("chat/:room", { join: ({ params }) => params.room !== "closed" });
  await pair.start();
  return { pair, ada: await pair.openClient() };
}

async function refusalOf(pair: Pair<typeof chat>, call: Promise<unknown>): Promise<BowlineError> {
  const refused = call.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => error as BowlineError,
  );
  await pair.clock.settle();
  return refused;
}

const long = { text: "too long" };
const inLobby = { room: "chat/lobby", event: "message" };

describe("a refused call says what it was, and where it was made", () => {
  test.each([
    {
      name: "a publish that the server refuses",
      call: async (ada: Client<typeof chat>) => {
        return ada.publish("chat/lobby", "message", long);
      },
      says: inLobby,
      text: /^the payload of "message" in chat\/lobby does not fit its schema: text: Too big/,
    },
    {
      name: "a publish over a room",
      call: async (ada: Client<typeof chat>) => {
        return ada.join("chat/lobby").publish("message", long);
      },
      says: inLobby,
      text: /"message" in chat\/lobby/,
    },
    {
      name: "a publish that the client refuses",
      call: async (ada: Client<typeof chat>) => {
        return ada.publish("chat/lobby", "message", { text: "x".repeat(70_000) });
      },
      says: { ...inLobby, code: "PAYLOAD_TOO_LARGE" },
      text: /larger than the server takes/,
    },
    {
      name: "a request that its handler refuses, in its own words",
      call: async (ada: Client<typeof chat>) => {
        return ada.request("ask", { text: "?" });
      },
      says: { request: "ask", code: "too_vague" },
      text: /^what\?$/,
    },
    {
      name: "a request whose input does not fit",
      call: async (ada: Client<typeof chat>) => {
        return ada.request("ask", long);
      },
      says: { request: "ask", code: "INVALID" },
      text: /^the input of "ask" does not fit its schema: text: Too big/,
    },
    {
      name: "a join",
      call: async (ada: Client<typeof chat>) => {
        await ada.join("chat/closed").joined();
      },
      says: { room: "chat/closed", code: "FORBIDDEN" },
      text: /does not allow it/,
    },
    {
      name: "a join of one room too many",
      call: async (ada: Client<typeof chat>) => {
        ada.join("chat/a");
        await ada.join("chat/b").joined();
      },
      says: { room: "chat/b", code: "TOO_MANY_ROOMS" },
      text: /is in 1 rooms, as many as it may be \(limits\.rooms\)/,
    },
  ])("$name", async ({ call, says, text: words }) => {
    const { pair, ada } = await bench();
    const error = await refusalOf(pair, call(ada));
    expect(error).toMatchObject(says);
    expect(error.message).toMatch(words);
    expect(error.stack).toMatch(/^BowlineError: .*\n(.*\n)*.*at call /);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ message: error.message, ...says });
  });
});

test("calls that end with the same error each say their own place", async () => {
  const { pair, ada } = await bench();
  pair.lastLink.freeze();
  const calls = [
    refusalOf(pair, ada.publish("chat/a", "message", { text: "1" })),
    refusalOf(pair, ada.publish("chat/b", "message", { text: "2" })),
    refusalOf(pair, ada.request("ask", { text: "3" })),
  ];
  ada.close();
  const errors = await Promise.all(calls);
  expect(errors.map((error) => error.room ?? error.request)).toEqual(["chat/a", "chat/b", "ask"]);
});

test("in a busy second only the first calls note their place: it costs more than they do", async () => {
  const { pair, ada } = await bench();
  const publishAll = (count: number): Promise<BowlineError>[] =>
    Array.from({ length: count }, () => refusalOf(pair, ada.publish("chat/a", "message", long)));
  const seen = async (errors: Promise<BowlineError>[]): Promise<number> =>
    (await Promise.all(errors)).filter(({ stack }) => stack?.includes("publishAll")).length;
  await pair.clock.advance(1000);
  expect(await seen(publishAll(150))).toBe(100);
  await pair.clock.advance(1000);
  expect(await seen(publishAll(150))).toBe(100);
});
