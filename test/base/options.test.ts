import { createServer as createHttpServer } from "node:http";
import { contract, event, request, room, signal } from "bowline";
import { nats } from "bowline/nats";
import { attach, closeSilent, serve } from "bowline/node";
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
  ["closeSilent", takes((it) => closeSilent(createHttpServer(), it)), { silentms: 1 }, "silentMs"],
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

/** What is given, and what the `TypeError` says of it. */
const misfits: [call: () => unknown, text: string][] = [
  [() => createServer(jobs, { authenticate: null } as never), "authenticate must be a function, not null"],
  [() => createServer(jobs, { onError: "x" } as never), 'onError must be a function, not "x"'],
  [() => createServer(jobs, { checkOutgoing: 0 } as never), "checkOutgoing must be a boolean, not 0"],
  [() => createServer(jobs, { debug: "false" } as never), 'debug must be a boolean, not "false"'],
  [() => createServer(jobs, { broker: null } as never), "or be left out; it is null"],
  [() => createServer(jobs, { broker: "" } as never), 'or be left out; it is ""'],
  [() => createServer(jobs, { broker: memory } as never), "or be left out; it is a function"],
  [() => createServer(jobs, { broker: server } as never), "broker must be made with memory()"],
  [() => createServer(jobs, { heartbeatMs: "9000" } as never), 'above 0, not "9000"'],
  [() => createServer(jobs, { heartbeatMs: 999 }), "heartbeatMs must be at least 1000, not 999"],
  [
    () => createServer(jobs, { limits: { rooms: "5" } } as never),
    'limits.rooms must be a number above 0, not "5"',
  ],
  [() => createServer(jobs, { path: ["/x"] } as never), 'path must start with "/"'],
  [() => createServer(jobs, { path: "/bücher" }), 'as in a URL: "/b%C3%BCcher", not "/bücher"'],
  [() => createServer(jobs, { path: "/a/../b" }), 'as in a URL: "/b", not "/a/../b"'],
  [() => createServer(jobs).room(undefined as never, {}), "the pattern must be a string, not undefined"],
  [
    () => createServer(jobs).room("jobs/:id", { on: () => {} } as never),
    "on must be an object, not a function",
  ],
  [() => serve(undefined as never), "serve takes what createServer() made"],
  [() => serve(createHttpServer() as never), "serve takes what createServer() made"],
  [() => serve(server, { port: null } as never), "port must be a number, not null"],
  [() => serve(server, { handler: "x" } as never), 'serve: handler must be a function, not "x"'],
  [() => serve(server, { signals: "no" } as never), 'serve: signals must be a boolean, not "no"'],
  [
    () => serve(server, { drain: { deadlineMs: Number.NaN } }),
    "serve, drain: deadlineMs must be finite milliseconds",
  ],
  [() => server.drain({ spreadMs: "5s" } as never), 'spreadMs must be finite milliseconds from 0, not "5s"'],
  [
    () => server.drain({ deadlineMs: -1 }),
    "server.drain: deadlineMs must be finite milliseconds from 0, not -1",
  ],
  [() => server.drain({ spreadMs: Infinity }), "from 0, not Infinity"],
  [
    () => closeSilent(createHttpServer(), { silentMs: "5000" } as never),
    'silentMs must be a number above 0, not "5000"',
  ],
  [() => closeSilent(undefined as never), "closeSilent takes the http.Server"],
  [() => server.publish(5 as never, "done", ""), "server.publish: the room must be a string, not 5"],
  [() => server.publish("jobs/1", undefined as never, ""), "the event must be a string, not undefined"],
  [() => server.signal({} as never, "x" as never, 1), "server.signal: the room must be a string"],
  [() => server.history(Symbol("x") as never), "server.history: the room must be a string, not Symbol(x)"],
  [() => server.history("jobs/1", { limit: "5" } as never), 'limit must be a whole number from 1, not "5"'],
  [() => server.history("jobs/1", { before: 5 } as never), "before must be a position, { offset, epoch }"],
  [() => server.history("jobs/1", { before: { offset: -1, epoch: "e" } }), "before must be a position"],
  [() => server.user(undefined as never), "server.user: the id must be a string, not undefined"],
  [() => server.user("ada").disconnect(5 as never), "disconnect: the reason must be a string, not 5"],
  [() => redis({ url: 5 as never }), 'option "url" must be redis://host:port'],
];

test.each(misfits)("a value of the wrong kind is named, with what it is: %#", async (call, text) => {
  const error = await misuseOf(call);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toContain(text);
});
