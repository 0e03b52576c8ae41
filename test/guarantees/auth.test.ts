import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { connect, statusOf } from "./clients.ts";
import { startNumbersServer, type NumbersServer } from "./numbers-server.ts";
import type { ServerOptions } from "bowline/server";

async function start(options: ServerOptions = {}): Promise<NumbersServer> {
  const server = await startNumbersServer(options);
  onTestFinished(() => server.close());
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: unknown;
}

/** Sends an HTTP request and reads the JSON it is answered with, also where an upgrade is refused. */
async function ask(port: number, headers: Record<string, string>, method = "GET"): Promise<Answer> {
  const sent = request({ port, host: "127.0.0.1", path: "/bowline", method, headers });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: text ? JSON.parse(text) : null,
  };
}

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "bowline.v1.json",
};

test("an upgrade without a token is refused with 401 before any handler hears of it", async () => {
  const heard: string[] = [];
  const server = await start();
  server.server.room("numbers/:room", {
    join: () => heard.push("join") > 0,
    on: { number: () => void heard.push("number") },
  });
  expect(await ask(server.port, upgrade)).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
  const client = connect(server.port, "ann", { token: () => null });
  client
    .join("numbers/a")
    .publish("number", { n: 1 })
    .catch(() => {});
  const status = await statusOf(client, ({ state }) => state === "closed");
  expect(status).toMatchObject({ error: { code: "UNAUTHORIZED" } });
  expect(heard).toEqual([]);
  expect(server.server.stats().connections).toBe(0);
});

test("frames sent before the hello, or instead of it, reach no handler", async () => {
  const heard: string[] = [];
  const server = await start();
  server.server.room("numbers/:room", { on: { number: () => void heard.push("number") } });
  const socket = new WebSocket(`${server.url.replace("localhost", "127.0.0.1")}`, ["bowline.v1.json"], {
    headers: { authorization: "Bearer ann" },
  });
  await once(socket, "open");
  socket.send('{"type":"publish","ref":1,"room":"numbers/a","event":"number","payload":{"n":1}}');
  const [code] = (await once(socket, "close")) as [number];
  expect(code).toBe(4400);
  expect(heard).toEqual([]);
});

test("a page of another origin is refused with 403; one of the same host, or of the list, is not", async () => {
  const server = await start();
  const headers = { ...upgrade, authorization: "Bearer ann" };
  expect(await ask(server.port, { ...headers, origin: "https://evil.example" })).toMatchObject({
    status: 403,
    body: { code: "FORBIDDEN" },
  });
  const same = new WebSocket(server.url, ["bowline.v1.json"], {
    headers: { authorization: "Bearer ann", origin: `http://localhost:${server.port}` },
  });
  await once(same, "open");
  same.terminate();
  const proxied = { authorization: "Bearer ann", origin: "https://app.example" };
  expect(await ask(server.port, { ...proxied, host: "App.Example:443" })).toMatchObject({ status: 426 });
  const plain = { ...proxied, origin: "http://app.example", host: "app.example" };
  expect(await ask(server.port, { ...plain, "x-forwarded-proto": "https" })).toMatchObject({ status: 403 });
  const installed = await start({ origins: ["capacitor://localhost", "null"] });
  for (const origin of ["capacitor://localhost", "null"])
    expect(await ask(installed.port, { ...proxied, origin })).toMatchObject({ status: 426 });
  const listed = await start({ origins: ["https://app.example"] });
  const allowed = await ask(listed.port, { authorization: "Bearer ann", origin: "https://app.example" });
  expect(allowed).toMatchObject({
    status: 426,
    headers: { "access-control-allow-origin": "https://app.example" },
  });
});

test("a GET tells why an upgrade is refused, for a browser can't read it there", async () => {
  const server = await start();
  expect(await ask(server.port, {})).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
  expect(await ask(server.port, { authorization: "Bearer ann" })).toMatchObject({ status: 426 });
  const full = await start({ limits: { connections: 1 } });
  const first = connect(full.port, "ann");
  await statusOf(first, ({ state }) => state === "open");
  const answer = await ask(full.port, { authorization: "Bearer bob" });
  expect(answer).toMatchObject({
    status: 503,
    body: { code: "TOO_MANY_CONNECTIONS" },
    headers: { "retry-after": "5" },
  });
});

test("authenticate can refuse with its own words, and its failures tell a client nothing", async () => {
  const errors: unknown[] = [];
  const server = await start({
    authenticate: ({ token }) => {
      throw new Error(`the database of ${token} is down`);
    },
    onError: (error) => errors.push(error),
  });
  expect(await ask(server.port, { ...upgrade, authorization: "Bearer ann" })).toMatchObject({
    status: 500,
    body: { code: "INTERNAL", message: "the server failed to handle this" },
  });
  expect(errors).toHaveLength(1);
});

test("a token that runs out ends the connection, and the client comes back with a new one", async () => {
  let round = 0;
  const server = await start({
    authenticate: ({ token }) => ({
      id: "ann",
      token,
      ...(token === "old" && { expiresAt: Date.now() + 500 }),
    }),
  });
  const client = connect(server.port, "ann", { token: () => (round++ === 0 ? "old" : "new") });
  const room = client.join("numbers/a");
  await room.publish("number", { n: 1 });
  await statusOf(client, ({ state }) => state === "connecting");
  expect(await room.publish("number", { n: 2 })).toMatchObject({ offset: 2 });
});

test("a token that runs out and is not renewed stops the client", async () => {
  const server = await start({ authenticate: () => ({ id: "ann", expiresAt: Date.now() + 500 }) });
  const client = connect(server.port, "ann");
  await statusOf(client, ({ state }) => state === "open");
  const status = await statusOf(client, ({ state }) => state === "closed");
  expect(status).toMatchObject({ error: { code: "TOKEN_EXPIRED" } });
});
