import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { connect as connectTcp, type AddressInfo } from "node:net";
import { createAdaptorServer, serve as serveHono } from "@hono/node-server";
import { contract } from "bowline";
import { attach, serve } from "bowline/node";
import { createServer } from "bowline/server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { Server as SocketIo } from "socket.io";
import { io as connectSocketIo } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { connect } from "../guarantees/clients.ts";
import { numbers } from "../guarantees/numbers.contract.ts";

/** Attaches a server of numbers to a framework's HTTP server, and tries both. */
async function expectBothToWork(http: HttpServer): Promise<void> {
  const server = createServer(numbers, {
    logger: false,
    authenticate: ({ token }) => (token ? { id: token } : null),
  });
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

/** Another WebSocket server on the same HTTP server; its clients are told `theirs`. */
const others: Record<string, (http: HttpServer) => void> = {
  "ws with a path": (http) => greet(new WebSocketServer({ server: http, path: "/other" })),
  "ws for every path": (http) => greet(new WebSocketServer({ server: http })),
  "ws behind a listener that destroys what it does not know": (http) => {
    const sockets = greet(new WebSocketServer({ noServer: true }));
    http.on("upgrade", (request, stream, head) => {
      if (request.url === "/other")
        sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit("connection", socket, request));
      else stream.destroy();
    });
  },
  "a prepended listener": (http) => {
    const sockets = greet(new WebSocketServer({ noServer: true }));
    http.prependListener("upgrade", (request, stream, head) =>
      sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit("connection", socket, request)),
    );
  },
  "Socket.IO": (http) => {
    new SocketIo(http, { path: "/other", destroyUpgradeTimeout: 1 }).on("connection", (socket) =>
      socket.emit("greeting", "theirs"),
    );
  },
};

function greet(sockets: WebSocketServer): WebSocketServer {
  return sockets.on("connection", (socket) => socket.send("theirs"));
}

/** What the other server tells its client. */
async function greeting(port: number, kind: string): Promise<string> {
  if (kind !== "Socket.IO") {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/other`);
    const [text] = (await once(socket, "message")) as [Buffer];
    socket.terminate();
    return text.toString();
  }
  const socket = connectSocketIo(`http://127.0.0.1:${port}`, { path: "/other", transports: ["websocket"] });
  const text = await new Promise<string>((resolve) => socket.on("greeting", resolve));
  socket.disconnect();
  return text;
}

const frameworks: Record<string, () => HttpServer> = {
  "node:http": () => createHttpServer((_request, response) => response.end("hello from the framework")),
  Express: () => {
    const app = express();
    app.get("/hello", (_request, response) => void response.send("hello from the framework"));
    return createHttpServer(app);
  },
  Hono: () => {
    const app = new Hono();
    app.get("/hello", (context) => context.text("hello from the framework"));
    return createAdaptorServer({ fetch: app.fetch }) as HttpServer;
  },
};

const neighbours = Object.keys(others).flatMap((other) =>
  Object.keys(frameworks).flatMap((framework) => [
    [other, "before", framework],
    [other, "after", framework],
  ]),
) as [string, "before" | "after", string][];

test.each(neighbours)("beside %s, added %s it to %s", async (other, when, framework) => {
  const http = (frameworks[framework] as () => HttpServer)();
  const addOther = others[other] as (http: HttpServer) => void;
  if (when === "before") addOther(http);
  await expectBothToWork(http);
  if (when === "after") addOther(http);
  const { port } = http.address() as AddressInfo;
  expect(await greeting(port, other)).toBe("theirs");
  const client = connect(port, "bob");
  expect(await client.request("double", 4)).toBe(8);
});

test("a request handler that comes later sees no request of ours, and is not in the way", async () => {
  const http = createHttpServer();
  const server = createServer(contract({}), { logger: false });
  await attach(server, http);
  const seen: (string | undefined)[] = [];
  http.on("request", (request, response) => {
    seen.push(request.url);
    response.end("late");
  });
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  expect((await fetch(`http://127.0.0.1:${port}/bowline?x=1`)).status).toBe(426);
  expect(await (await fetch(`http://127.0.0.1:${port}/bowline/`)).text()).toBe("late");
  expect(seen).toEqual(["/bowline/"]);
  await server.close();
});

test("a request line with a whole address is for the path in it", async () => {
  const http = createHttpServer((_request, response) => response.end("theirs"));
  const server = createServer(contract({}), { logger: false });
  await attach(server, http);
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  expect(await answerTo(port, "GET http://example.com/bowline?x=1 HTTP/1.1")).toMatch(/^HTTP\/1\.1 426 /);
  expect(await answerTo(port, "GET http://example.com/else HTTP/1.1")).toMatch(/theirs$/);
  await server.close();
});

async function answerTo(port: number, line: string, ...headers: string[]): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.write([line, "Host: x", "Connection: close", ...headers, "", ""].join("\r\n"));
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

test("a server that was stopped answers 503, until another one takes its path", async () => {
  const http = createHttpServer();
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  for (let release = 1; release <= 2; release++) {
    const server = createServer(contract({}), { logger: false });
    await attach(server, http);
    expect((await fetch(`http://127.0.0.1:${port}/bowline`)).status).toBe(426);
    await expect(attach(createServer(contract({}), { logger: false }), http)).rejects.toThrow(
      "a server is attached to /bowline",
    );
    await server.close();
    expect((await fetch(`http://127.0.0.1:${port}/bowline`)).status).toBe(503);
  }
  expect(http.listenerCount("upgrade")).toBe(1);
});

test("a server that can't start gives back all it took, whoever else stands in the way by now", async () => {
  const incomplete = createServer(numbers, { logger: false });
  const http = createHttpServer();
  const { emit } = http as { readonly emit: unknown };
  await expect(attach(incomplete, http)).rejects.toThrow("nothing answers");
  expect([
    (http.emit as unknown) === emit,
    http.listenerCount("upgrade"),
    http.listenerCount("request"),
  ]).toEqual([true, 0, 0]);
  const attaching = attach(incomplete, http);
  const seen: unknown[] = [];
  const inner = http.emit.bind(http) as (...args: unknown[]) => boolean;
  http.emit = ((...args: unknown[]) => {
    seen.push(args[0]);
    return inner(...args);
  }) as typeof http.emit;
  await expect(attaching).rejects.toThrow("nothing answers");
  const server = createServer(contract({}), { logger: false });
  await attach(server, http);
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  expect((await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/bowline`)).status).toBe(426);
  expect(seen).toContain("request");
  await server.close();
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
  const other = createServer(contract({}), { logger: false, path: "/other" });
  await attach(other, http);
  await attach(createServer(contract({}), { logger: false, path: "/third" }), http);
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
  const server = createServer(numbers, { logger: false });
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
  const server = createServer(contract({}), { logger: false, authenticate: () => null });
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
