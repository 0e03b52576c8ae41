import { contract, event, request, room } from "bowline";
import { createServer, frameCodec, memory } from "bowline/server";
import { expect, test } from "vitest";
import * as z from "zod";

const jobs = contract({
  rooms: { "jobs/:id": room({ events: { done: event(z.number()) } }) },
  requests: { ask: request({ input: z.string(), output: z.string() }) },
});

test("an option there is not is refused, with those there are", () => {
  expect(() => createServer(jobs, { hearbeatMs: 1000 } as never)).toThrow(
    /^createServer: unknown option "hearbeatMs": did you mean "heartbeatMs"\? Options are: authenticate, /,
  );
});

test.each(["heartbeatMs", "presenceGraceMs"])("an endless %s is refused", (name) => {
  expect(() => createServer(jobs, { [name]: Infinity })).toThrow(
    `${name} must be finite milliseconds above 0`,
  );
});

test("a broker that is none is refused", () => {
  expect(() => createServer(jobs, { broker: {} as never })).toThrow(/broker must be made with memory\(\)/);
});

const codec = frameCodec({
  subprotocol: "jobs.v1.cbor",
  encode: () => new Uint8Array(0),
  decode: () => null,
});

test.each<[what: string, codecs: unknown, refusal: string]>([
  ["are no list", codec, "codecs must be a list, not [object Object]"],
  ["are null", null, "codecs must be a list, not null"],
  ["hold none", ["cbor"], 'codecs[0] must be a codec, e.g. of frameCodec(), not "cbor"'],
  ["hold nothing", [codec, undefined], "codecs[1] must be a codec, e.g. of frameCodec(), not undefined"],
  [
    "have a subprotocol that no header can hold",
    [{ ...codec, subprotocol: "a b" }],
    'codecs[0]: the subprotocol must be a token of HTTP, like "chat.v1.msgpack", not "a b"',
  ],
  [
    "have one that is a token of somebody's",
    [{ ...codec, subprotocol: "bowline.token.YQ" }],
    'codecs[0]: the subprotocol must be a token of HTTP, like "chat.v1.msgpack", not "bowline.token.YQ"',
  ],
  [
    "have one twice",
    [codec, codec],
    'codecs[1]: there is a codec for the subprotocol "jobs.v1.cbor" already',
  ],
  [
    "have that of JSON",
    [{ ...codec, subprotocol: "bowline.v1.json" }],
    'codecs[0]: there is a codec for the subprotocol "bowline.v1.json" already',
  ],
  ["lack a function", [{ ...codec, signal: undefined }], "codecs[0]: signal is missing"],
  ["have no function", [{ ...codec, reply: "x" }], 'codecs[0]: reply must be a function, not "x"'],
])("codecs that %s are refused", (_what, codecs, refusal) => {
  expect(() => createServer(jobs, { codecs: codecs as never })).toThrow(new TypeError(refusal));
});

test("what is published as undefined is null: a frame has its payload", async () => {
  const server = createServer(jobs, { checkOutgoing: false });
  await server.start();
  await server.publish("jobs/1", "done", undefined as never);
  expect(await server.history("jobs/1")).toMatchObject([{ payload: null }]);
  await server.close();
});

test("a server may be started without being served: it publishes, and needs no handlers", async () => {
  const server = createServer(jobs);
  await server.start();
  await server.publish("jobs/1", "done", 5);
  expect(await server.history("jobs/1")).toMatchObject([{ payload: 5 }]);
  await server.close();
  await expect(server.start()).rejects.toThrow("this server was stopped");
});

test("a start that failed may be tried again", async () => {
  const broker = memory();
  let isAway = true;
  const start = broker.start.bind(broker);
  broker.start = async (...args) => {
    if (isAway) throw new Error("away");
    await start(...args);
  };
  const server = createServer(jobs, { broker });
  await expect(server.start()).rejects.toThrow("away");
  isAway = false;
  await server.start();
  await server.close();
});
