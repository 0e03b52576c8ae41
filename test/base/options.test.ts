import { createServer as createHttpServer } from "node:http";
import { contract, event, request, room, signal } from "bowline";
import { nats } from "bowline/nats";
import { attach, serve } from "bowline/node";
import { redis } from "bowline/redis";
import { createServer, memory } from "bowline/server";
import { sqlite } from "bowline/sqlite";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { checkOptions, nearest } from "../../src/base/options.ts";

const text = z.string();
const jobs = contract({
  rooms: { "jobs/:id": room({ events: { done: event(text) } }) },
  requests: { ask: request({ input: text, output: text }) },
});
const server = createServer(jobs);
const takes = (take: (options: never) => unknown) => take as (options: unknown) => unknown;

const takers: [name: string, take: (options: unknown) => unknown, slip: object, meant: string][] = [
  ["createServer", takes((it) => createServer(jobs, it)), { brokr: 1 }, "broker"],
  ["createServer, limits", takes((limits) => createServer(jobs, { limits })), { room: 1 }, "rooms"],
  ["contract", takes((it) => contract(it)), { request: {} }, "requests"],
  ["room", takes((it) => room(it)), { events: {}, presense: text }, "presence"],
  ["room, history", takes((history) => room({ events: {}, history })), { cuont: 1 }, "count"],
  ["event", takes((it) => event(text, it)), { form: "server" }, "from"],
  ["signal", takes((it) => signal(text, it)), { From: "server" }, "from"],
  ["request", takes((it) => request(it)), { input: text, outptu: text }, "output"],
  ["memory", takes((it) => memory(it)), { roomMax: 1 }, "roomsMax"],
  ["sqlite", takes((it) => sqlite(it)), { flie: "x" }, "file"],
  ["redis", takes((it) => redis(it)), { ulr: "x" }, "url"],
  ["nats", takes((it) => nats(it)), { server: "x" }, "servers"],
  ["serve", takes((it) => serve(server, it)), { prot: 1 }, "port"],
  ["serve, drain", takes((drain) => serve(server, { drain })), { spreadMS: 1 }, "spreadMs"],
  ["server.drain", takes((it) => server.drain(it)), { deadlinMs: 1 }, "deadlineMs"],
  ["server.history", takes((it) => server.history("jobs/1", it)), { limits: 1 }, "limit"],
  ['server.room, "jobs/:id"', takes((it) => server.room("jobs/:id", it)), { jion: () => true }, "join"],
];

/** What a call throws, or rejects with. */
async function misuseOf(call: () => unknown): Promise<unknown> {
  return Promise.resolve()
    .then(call)
    .then(
      () => null,
      (error: unknown) => error,
    );
}

describe.each(takers)("%s", (name, take, slip, meant) => {
  test("refuses an option that it does not have, and names the nearest", async () => {
    const wrong = Object.keys(slip).at(-1);
    const error = (await misuseOf(() => take(slip))) as TypeError;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(
      `${name}: unknown option "${wrong}": did you mean "${meant}"? Options are: `,
    );
  });

  test.each([null, 5, "x", () => {}])("refuses %j in place of its options", async (options) => {
    if (options === null && /^(event|signal)$/.test(name)) return;
    const error = await misuseOf(() => take(options));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(`${name}: options must be an object, not `);
  });
});

test("a name that is like none gets no guess, but the list", () => {
  expect(() => checkOptions<object>("x", { colour: 1 }, { url: 1, token: 1 })).toThrow(
    'x: unknown option "colour". Options are: url, token',
  );
  expect(nearest("constructor", { url: 1 })).toBe('"constructor".');
});

test.each([
  [() => createServer(undefined as never), /createServer takes what contract\(\) made/],
  [() => createServer({ rooms: {} } as never), /createServer takes what contract\(\) made/],
  [() => contract(undefined as never), /contract: options must be an object/],
  [() => contract({ rooms: { "a/:b": {} as never } }), /rooms\["a\/:b"\] must be made with room\(\)/],
  [() => contract({ requests: { a: text as never } }), /requests\["a"\] must be made with request\(\)/],
  [() => contract({ inbox: { a: text as never } }), /inbox\.a must be made with event\(\)/],
  [() => room({} as never), /room needs events/],
  [() => event({ parse: () => 1 } as never), /zod 3\.24 or newer/],
  [() => event(text, { from: "sever" } as never), /event, from must be "client" or "server", not sever/],
  [
    () => attach(server, (() => {}) as never),
    /http\.Server, e\.g\. what app\.listen\(\) returns, not the app/,
  ],
  [() => attach(undefined as never, createHttpServer()), /attach takes what createServer\(\) made/],
  [() => createServer(jobs).request("aks" as never, () => ""), /no request "aks": did you mean "ask"\?/],
  [
    () => createServer(jobs).request("ask", "x" as never),
    /"ask": the handler must be a function, not string/,
  ],
  [() => createServer(jobs).room("job/:id" as never, {}), /no room "job\/:id": did you mean "jobs\/:id"\?/],
  [() => createServer(jobs).room("jobs/:id", { on: { doen: () => {} } } as never), /did you mean "done"\?/],
  [
    () => createServer(jobs).room("jobs/:id", { join: true } as never),
    /join must be a function, not boolean/,
  ],
  [
    () => createServer(jobs).room("jobs/:id", {}).room("jobs/:id", {}),
    /handlers already: register .* in one call/,
  ],
] as const)("misuse %# says what was expected", async (call, text) => {
  const error = await misuseOf(call);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(text);
});
