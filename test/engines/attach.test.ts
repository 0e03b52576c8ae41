import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { connect as connectTcp, type AddressInfo } from "node:net";
import { serve as serveHono } from "@hono/node-server";
import { contract } from "bowline";
import { attach, serve } from "bowline/node";
import { createServer } from "bowline/server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../guarantees/clients.ts";
import { numbers } from "../guarantees/numbers.contract.ts";

/** Attaches a server of numbers to a framework's HTTP server, and tries both. */
async function expectBothToWork(http: HttpServer): Promise<void> {
  const server = createServer(numbers, { authenticate: ({ token }) => (token ? { id: token } : null) });
  server.request("increment", ({ payload }) => payload.by + 1);
  server.request("double", ({ payload }) => payload * 2);
  await attach(server, http);
  if (!http.listening) await once(http.listen(0), "listening");
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const page = await fetch(`http://127.0.0.1:${port}/hello`);
  expect(await page.text()).toBe("hello from the framework");
  const client = connect(port, "ann");
  expect(await client.request("double", 21)).toBe(42);
  expect(await client.join("numbers/a").publish("number", { n: 1 })).toMatchObject({ offset: 1 });
  const asked = await fetch(`http://127.0.0.1:${port}/bowline`);
  expect([asked.status, await asked.json()]).toMatchObject([401, { code: "UNAUTHORIZED" }]);
}

test("beside a bare http server", async () => {
  await expectBothToWork(createHttpServer((_request, response) => response.end("hello from the framework")));
});

test("beside Express", async () => {
  const app = express();
  app.get("/hello", (_request, response) => void response.send("hello from the framework"));
  await expectBothToWork(createHttpServer(app));
});

test("beside Fastify", async () => {
  const app = fastify();
  app.get("/hello", () => "hello from the framework");
  await app.listen({ port: 0 });
  onTestFinished(() => app.close());
  await expectBothToWork(app.server);
});

test("beside Hono", async () => {
  const app = new Hono();
  app.get("/hello", (context) => context.text("hello from the framework"));
  const http = serveHono({ fetch: app.fetch, port: 0 }) as HttpServer;
  if (!http.listening) await once(http, "listening");
  await expectBothToWork(http);
});

test("an upgrade of a path that nobody listens on is answered, not left hanging", async () => {
  const http = createHttpServer();
  await expectBothToWork(
    http.on("request", (request, response) => {
      if (request.url === "/hello") response.end("hello from the framework");
    }),
  );
  const socket = connectTcp((http.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 404 /);
  await once(socket, "close");
});

test("two servers on one HTTP server share it, and answer what is nobody's", async () => {
  const http = createHttpServer();
  const other = createServer(contract({}), { path: "/other" });
  await attach(other, http);
  await attach(createServer(contract({}), { path: "/third" }), http);
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  for (const [path, status] of [
    ["/elsewhere", 404],
    ["/other", 400],
    ["/third", 400],
  ] as const) {
    const socket = connectTcp(port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain(`HTTP/1.1 ${status} `);
    await once(socket, "close");
  }
  await expect(attach(other, http)).rejects.toThrow(
    "a server is attached to /other of this HTTP server already",
  );
});

test("a server that can't start leaves the HTTP server as it was, and may be attached again", async () => {
  const http = createHttpServer((_request, response) => response.end("hello from the framework"));
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  const server = createServer(numbers);
  const attaching = attach(server, http);
  const early = fetch(`http://127.0.0.1:${port}/bowline`);
  await expect(attaching).rejects.toThrow('nothing answers the request "increment"');
  expect([200, 503]).toContain((await early).status);
  expect(await (await fetch(`http://127.0.0.1:${port}/bowline`)).text()).toBe("hello from the framework");
  server.request("increment", ({ payload }) => payload.by).request("double", ({ payload }) => payload);
  await attach(server, http);
  expect((await fetch(`http://127.0.0.1:${port}/bowline`)).status).toBe(426);
  await server.close();
  await expect(attach(server, createHttpServer())).rejects.toThrow("this server was stopped");
});

test("who is refused and keeps its end open holds nothing, and does not hold up the end", async () => {
  const server = createServer(contract({}), { authenticate: () => null });
  const { port } = await serve(server, { port: 0, signals: false });
  const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.write(
    "GET /bowline HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: bowline.v1.json\r\n\r\n",
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
  await server.close();
});

test("upgrades of other paths are left to whoever else takes them", async () => {
  const http = createHttpServer((_request, response) => response.end("hello from the framework"));
  http.on("upgrade", (request, socket) => {
    if (request.url === "/other") socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\nmine");
  });
  await expectBothToWork(http);
  const socket = connectTcp((http.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("mine");
  socket.destroy();
});
