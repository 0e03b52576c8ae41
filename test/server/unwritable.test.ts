import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import type { Schema } from "../../src/contract/schema.ts";
import type { ErrorInfo } from "../../src/server/refusal.ts";
import { boom, expectNothingEscapes } from "../support/ends.ts";
import { Pair } from "../support/pair.ts";

expectNothingEscapes();

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};
const fail = (): never => {
  throw boom;
};
const cycle = { itself: {} };
cycle.itself = cycle;

/** What JSON has no way to write. */
const bad: Record<string, unknown> = {
  "a BigInt": 1n,
  "a BigInt within": { count: 1n },
  "a function": () => {},
  "a symbol": Symbol("odd"),
  "a cycle": cycle,
  "a toJSON that throws": { toJSON: fail },
  "a getter that throws": Object.defineProperty({}, "value", { get: fail, enumerable: true }),
  "a proxy that throws": new Proxy({}, { get: fail, ownKeys: fail }),
  "20,000 levels": deep(20_000),
  "more levels than a frame may have": deep(200),
};

/** What JSON can write, and no frame may hold. Of a client's own, the server says so. */
const unsound: Record<string, unknown> = {
  "a lone surrogate": "a\ud800",
  "a lone surrogate within, after a backslash": { text: "\\\udc00" },
  "a lone surrogate in a name": { "\ud83d": 1 },
};

/** What becomes something else on the way. */
const good: [what: string, given: unknown, arrives: unknown][] = [
  ["undefined", undefined, null],
  ["NaN", NaN, null],
  ["Infinity within", { level: Infinity }, { level: null }],
  ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["a map", new Map([[1, 2]]), {}],
  ["a pair of surrogates", "\ud83d\ude00", "😀"],
  ["a text about surrogates", "\\ud800", "\\ud800"],
  ["as many levels as every frame may have", deep(197), deep(197)],
];

/** A contract whose presence schema puts what a test says in the place of a state that is `"odd"`. */
async function bench(value: unknown) {
  const any = z.any();
  const presence: Schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (state) => ({ value: state === "odd" ? value : state }),
    },
  };
  const infos: ErrorInfo[] = [];
  const shape = contract({
    rooms: { "chat/:room": room({ events: { message: event(any), typing: signal(any) }, presence }) },
    requests: { ask: request({ input: any, output: any }) },
    inbox: { told: event(any) },
  });
  const pair = new Pair(shape, { onError: (_error, info) => void infos.push(info) });
  const odd = ({ payload }: { payload: unknown }): unknown => (payload === "odd" ? value : payload);
  pair.server
    .room("chat/:room", { on: { message: odd as never, typing: odd as never } })
    .request("ask", odd as never);
  await pair.start();
  const ada = await pair.openClient();
  const bea = await pair.openClient();
  const lobby = ada.join("chat/a");
  const theirs = bea.join("chat/a");
  const heard: unknown[] = [];
  theirs.on("message", ({ payload }) => heard.push(payload));
  theirs.on("typing", ({ payload }) => heard.push(payload));
  await pair.clock.settle();
  return { pair, infos, ada, bea, lobby, heard };
}

type Bench = Awaited<ReturnType<typeof bench>>;

interface Site {
  readonly name: string;
  readonly send: (bench: Bench, value: unknown) => unknown;
  /** What is reported of a value that the server made itself. */
  readonly info?: object;
  /** What the server's own call says of it. */
  readonly text?: RegExp;
}

const refused = ({ lobby }: Bench, cause: () => unknown): Promise<never> =>
  new Promise((_, reject) => {
    lobby.onError(reject);
    cause();
  });

const sites: Site[] = [
  { name: "a client's publish", send: ({ lobby }, value) => lobby.publish("message", value) },
  { name: "a client's signal", send: ({ lobby }, value) => lobby.publish("typing", value) },
  { name: "a client's request", send: ({ ada }, value) => ada.request("ask", value) },
  { name: "a client's presence state", send: ({ lobby }, value) => lobby.presence.set(value) },
  {
    name: "a client's presence state at a join",
    send: ({ ada }, value) => ada.join("chat/new", { presence: value }),
  },
  {
    name: "a server's publish",
    send: ({ pair }, value) => pair.server.publish("chat/a", "message", value),
    text: /^the payload of "message" in chat\/a can't be written as JSON/,
  },
  {
    name: "a server's signal",
    send: ({ pair }, value) => pair.server.signal("chat/a", "typing", value),
    text: /^the payload of "typing" in chat\/a can't be written as JSON/,
  },
  {
    name: "a notice to an inbox",
    send: ({ pair }, value) => pair.server.user("ada").notify("told", value),
    text: /^the payload of "told" in .* can't be written as JSON/,
  },
  {
    name: "what an event's handler gives",
    send: ({ lobby }) => lobby.publish("message", "odd"),
    info: { stage: "publish", room: "chat/a", event: "message" },
  },
  {
    name: "what a signal's handler gives",
    send: (scene) => refused(scene, () => scene.lobby.publish("typing", "odd")),
    info: { stage: "signal", room: "chat/a", event: "typing" },
  },
  {
    name: "a reply",
    send: ({ ada }) => ada.request("ask", "odd"),
    info: { stage: "request", request: "ask" },
  },
  {
    name: "what a presence schema gives",
    send: (scene) => refused(scene, () => scene.lobby.presence.set("odd")),
    info: { stage: "presence", room: "chat/a" },
  },
  {
    name: "what a presence schema gives at a join",
    send: ({ ada }) => ada.join("chat/new", { presence: "odd" }).joined(),
    info: { stage: "join", room: "chat/new" },
  },
];

describe.each(sites)("$name", ({ send, info, text }) => {
  const refusedHere = { ...bad, ...((info || text) && unsound) };

  test.each(Object.entries(refusedHere))("that is %s is refused where it was made", async (what, value) => {
    const scene = await bench(value);
    const { pair, infos, bea } = scene;
    const outcome = (async () => send(scene, value))().then(
      () => undefined,
      (error: unknown) => error as Error & { code?: string },
    );
    await pair.clock.advance(1000);
    const error = await outcome;
    expect(error).toBeInstanceOf(Error);
    expect(error?.code).toBe(info && "INTERNAL");
    // Of a proxy, not even that it is no promise can be seen.
    if (text && !what.includes("proxy")) expect(error?.message).toMatch(text);
    expect(infos).toEqual(info ? [expect.objectContaining(info)] : []);
    for (const name of ["chat/a", "chat/new"] as const) {
      const late = bea.join(name);
      const joined = late.joined();
      const stored = late.publish("message", "next");
      await pair.clock.advance(1000);
      await joined;
      expect((await stored).offset).toBeGreaterThan(0);
    }
    expect(scene.heard).toEqual(["next"]);
  });
});

describe.each(good)("%s", (_what, given, arrives) => {
  test("arrives as JSON has it, whoever sends it", async () => {
    const scene = await bench(given);
    const { pair, ada, lobby, heard } = scene;
    const other = await pair.openClient();
    const calls = [
      lobby.publish("message", given),
      pair.server.publish("chat/a", "message", given),
      pair.server.signal("chat/a", "typing", given),
    ];
    lobby.publish("typing", given);
    await pair.clock.settle();
    await Promise.all(calls);
    expect(heard).toHaveLength(4);
    for (const payload of heard) expect(payload).toEqual(arrives);
    const asked = ada.request("ask", "odd");
    const entered = other.join("chat/a", { presence: "odd" });
    await pair.clock.settle();
    expect(await asked).toEqual(arrives);
    expect([...entered.presence.members.values()].map(({ state }) => state)).toEqual([arrives]);
    expect(scene.infos).toEqual([]);
  });
});

test.each(Object.entries(unsound))(
  "a client's %s is refused by the server, by itself",
  async (_what, value) => {
    const { pair, ada, lobby, infos } = await bench(null);
    const refusals: string[] = [];
    lobby.onError(({ code }) => refusals.push(code));
    const calls = Promise.allSettled([lobby.publish("message", value), ada.request("ask", value)]);
    lobby.publish("typing", value);
    lobby.presence.set(value);
    await pair.clock.settle();
    for (const outcome of await calls) expect(outcome).toMatchObject({ reason: { code: "INVALID" } });
    expect(refusals).toEqual(["INVALID", "INVALID"]);
    const stored = lobby.publish("message", "next");
    await pair.clock.settle();
    expect([(await stored).offset, ada.status.state, infos]).toEqual([1, "open", []]);
  },
);

describe("what a client sends nested too deep", () => {
  test.each([201, 5000, 20_000])("by %i levels is its own fault", async (levels) => {
    const { pair, infos } = await bench(null);
    const raw = await pair.socket();
    raw.hello({ rooms: [{ room: "chat/a" }] });
    await pair.clock.settle();
    const payload = `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const send = (head: string): void => raw.link?.listener?.receive(`{${head},"payload":${payload}}`);
    send('"type":"publish","ref":1,"room":"chat/a","event":"message"');
    send('"type":"request","ref":2,"request":"ask"');
    send('"type":"signal","room":"chat/a","event":"typing"');
    send('"type":"presence","room":"chat/a"');
    await pair.clock.settle();
    expect(raw.of("error").map(({ code }) => code)).toEqual(["INVALID", "INVALID", "INVALID", "INVALID"]);
    expect(raw.closeCode).toBeNull();
    expect(infos).toEqual([]);
  });
});
