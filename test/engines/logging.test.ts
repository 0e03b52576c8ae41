import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect } from "node:net";
import { type } from "arktype";
import { BowlineError, contract, event, request, room, signal } from "bowline";
import { attach, serve } from "bowline/node";
import { jsonSubprotocol } from "bowline/protocol";
import { createServer, memory, type BrokerSink, type ServerOptions } from "bowline/server";
import * as v from "valibot";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { altered } from "../support/log-broker.ts";
import { RecordedLog } from "../support/recorded-log.ts";
import { upgradeText } from "./raw-client.ts";

const any = z.any();

/** Sends an upgrade as it is, and waits for the end of the answer. */
async function upgrade(port: number, text: string): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(text);
  socket.resume();
  await once(socket, "close");
}

async function start(options: ServerOptions = {}) {
  const logger = new RecordedLog();
  const server = createServer(contract({}), { logger, ...options });
  onTestFinished(() => server.close());
  const { port } = await serve(server, { port: 0, signals: false });
  return { logger, port };
}

test.each<
  [what: string, headers: Record<string, string>, first: string | undefined, fields: object, text: string]
>([
  [
    "a page of another origin",
    { Origin: "https://evil.example" },
    undefined,
    { status: 403, origin: "https://evil.example", address: expect.stringContaining("127.0.0.1") },
    'origin "https://evil.example" is not allowed: add it to the server\'s option "origins"',
  ],
  [
    "a client without the subprotocol",
    { "Sec-WebSocket-Protocol": "" },
    undefined,
    { status: 400, code: "UPGRADE_REQUIRED" },
    "offer the subprotocol bowline.v1.json",
  ],
  [
    "no sound handshake",
    { "Sec-WebSocket-Key": "x" },
    undefined,
    { status: 400, code: "UPGRADE_REQUIRED" },
    "the header Sec-WebSocket-Key must be 16 bytes in base64",
  ],
  [
    "another method",
    {},
    "POST /bowline HTTP/1.1",
    { status: 405, code: "UPGRADE_REQUIRED" },
    "the method must be GET, not POST",
  ],
  [
    "another path",
    {},
    "GET /socket?token=hunter2 HTTP/1.1",
    { status: 404, code: "NOT_FOUND", path: "/socket" },
    'nothing listens on "/socket": clients connect to "/bowline"',
  ],
])("an upgrade of %s has one line", async (_what, headers, first, fields, text) => {
  const { logger, port } = await start();
  await upgrade(port, upgradeText(headers, first));
  const { status, code = "FORBIDDEN" } = fields as { status: number; code?: string };
  expect(logger.lines).toMatchObject([
    { level: "warn", message: `refused an upgrade (${status} ${code}): ${text}`, fields },
  ]);
});

test("an upgrade that somebody else takes has no line", async () => {
  const logger = new RecordedLog();
  const http = createHttpServer();
  http.on("upgrade", (request, socket) => {
    if (request.url === "/other") socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const server = createServer(contract({}), { logger });
  onTestFinished(async () => {
    await server.close();
    http.close();
  });
  await attach(server, http);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  await upgrade((http.address() as { port: number }).port, upgradeText({}, "GET /other HTTP/1.1"));
  expect(logger.lines).toEqual([]);
});

test("a fault of authenticate has one line: the error, and no refusal beside it", async () => {
  const authenticate = (): never => {
    throw new Error("no database");
  };
  const { logger, port } = await start({ authenticate });
  await upgrade(port, upgradeText());
  expect(logger.lines).toMatchObject([
    { level: "error", message: "authenticate failed: Error: no database" },
  ]);
});

/** One in each place of which nothing may be written down. */
const marks = {
  token: "mark-token",
  bad: "mark-bad-token",
  cookie: "mark-cookie",
  query: "mark-query",
  url: "mark-password",
  secret: "mark-secret-of-the-session",
  zod: "mark-zod",
  valibot: "mark-valibot",
  arktype: "mark-arktype",
  number: 4711_4711,
  deep: "mark-deep",
  handler: "mark-handler",
  state: "mark-state",
  hook: "mark-hook",
  input: "mark-input",
};

const attacked = contract({
  rooms: {
    "r/:id": room({
      events: {
        zod: event(z.object({ a: z.string().max(2) })),
        enumerated: event(z.enum(["a", "b"])),
        valibot: event(v.object({ a: v.number() })),
        literal: event(v.object({ b: v.literal("x") })),
        arktype: event(type({ a: "string<3" })),
        nested: event(type({ b: { c: "number" } })),
        own: event(any),
        typing: signal(v.boolean()),
      },
      presence: type({ name: "string<3" }),
    }),
  },
  requests: { ask: request({ input: v.pipe(v.string(), v.maxLength(3)), output: any }) },
});

const attack: object[] = [
  { type: "join", room: "r/1", presence: { name: marks.state } },
  { type: "join", room: "r/hook", presence: { name: marks.hook } },
  { type: "publish", ref: 1, room: "r/1", event: "zod", payload: { a: marks.zod } },
  { type: "publish", ref: 2, room: "r/1", event: "enumerated", payload: marks.zod },
  { type: "publish", ref: 3, room: "r/1", event: "valibot", payload: { a: marks.valibot } },
  { type: "publish", ref: 4, room: "r/1", event: "literal", payload: { b: marks.number } },
  { type: "publish", ref: 5, room: "r/1", event: "arktype", payload: { a: marks.arktype } },
  {
    type: "publish",
    ref: 6,
    room: "r/1",
    event: "nested",
    payload: { b: { c: { d: [marks.deep] } } },
  },
  { type: "publish", ref: 7, room: "r/1", event: "own", payload: { text: marks.handler } },
  { type: "publish", ref: 8, room: "r/1", event: "massage", payload: { text: marks.handler } },
  { type: "request", ref: 9, request: "ask", payload: marks.input },
  { type: "request", ref: 10, request: "aks", payload: marks.input },
  { type: "signal", room: "r/2", event: "typing", payload: marks.valibot },
  { type: "presence", room: "r/2", payload: { name: marks.state } },
];
const hello = JSON.stringify({ type: "hello", secret: marks.secret, generation: 1, rooms: [] });

test("no line has a token, a cookie, a query, a secret, a payload's value or a URL's password", async () => {
  const logger = new RecordedLog();
  const inner = memory();
  const sinks: BrokerSink[] = [];
  const broker = altered(inner, {
    start: (sink, node) => {
      sinks.push(sink);
      return inner.start(sink, node);
    },
  });
  const server = createServer(attacked, {
    logger,
    broker,
    debug: true,
    authenticate: ({ token, url, cookies, headers }) => {
      if (token === marks.token) return { id: "ada" };
      const said = [token, url, cookies.get("sid"), headers["cookie"], headers["authorization"]].join(" ");
      throw new BowlineError("UNAUTHORIZED", `not accepted: ${said}`);
    },
  })
    .room("r/:id", {
      join: ({ params }) => {
        if (params.id === "fault") throw new Error(`lost redis://ada:${marks.url}@host/0?key=${marks.query}`);
        return params.id !== "hook";
      },
      on: {
        own: ({ payload }) => {
          throw new BowlineError("INVALID", `never say ${(payload as { text: string }).text}!`);
        },
      },
    })
    .request("ask", () => null);
  onTestFinished(() => server.close());
  const { url } = await serve(server, { port: 0, signals: false });
  const address = `${url}?key=${marks.query}`;
  const headers = { cookie: `sid=${marks.cookie}`, authorization: `Bearer ${marks.bad}` };
  const refused = new WebSocket(address, [jsonSubprotocol], { headers });
  await once(refused, "error");

  const socket = new WebSocket(address, [jsonSubprotocol], {
    headers: { ...headers, authorization: `Bearer ${marks.token}` },
  });
  await once(socket, "open");
  socket.send(hello);
  await once(socket, "message");
  socket.send(JSON.stringify({ type: "join", room: "r/2" }));
  await once(socket, "message");
  let answers = 0;
  const answered = new Promise<void>((resolve) => {
    socket.on("message", () => ++answers > attack.length && resolve());
  });
  for (const frame of [{ type: "join", room: "r/fault" }, ...attack]) socket.send(JSON.stringify(frame));
  await answered;
  // A second one is no frame of an open connection.
  socket.send(hello);
  await once(socket, "close");
  sinks[0]?.receiveOutage(new Error(`connect redis://:${marks.url}@host:6379`));

  const codes = logger.lines.map(({ fields }) => fields["code"]);
  expect(codes.filter((code) => code === "INVALID").length).toBe(11);
  expect(codes).toEqual(expect.arrayContaining(["UNAUTHORIZED", "FORBIDDEN", "UNKNOWN_EVENT", "BAD_FRAME"]));
  expect(logger.of("error")).toHaveLength(1);
  for (const line of logger.lines)
    for (const mark of Object.values(marks)) expect(JSON.stringify(line)).not.toContain(String(mark));
  // What helps is still there.
  const texts = logger.lines.map(({ message }) => message).join("\n");
  expect(texts).toMatch(/not accepted: …/);
  expect(texts).toMatch(/a: Invalid type: Expected number but received "…"/);
  expect(texts).toMatch(/redis:\/\/host:6379/);
});
