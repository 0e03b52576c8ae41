import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { contract } from "bowline";
import { attach, serve } from "bowline/node";
import { createServer, memory, type Server } from "bowline/server";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock, type Undo } from "../../src/base/clock.ts";

const handshakeMs = 500;
const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const protocol = "Sec-WebSocket-Protocol: bowline.v1.json";

/** The delays of the timers of the machine's clock that are set, and neither over nor undone. */
function watchTimers(): () => number[] {
  const setTimer = systemClock.setTimer.bind(systemClock);
  const set = new Set<{ readonly delayMs: number }>();
  systemClock.setTimer = (delayMs, task): Undo => {
    const timer = { delayMs };
    set.add(timer);
    const undo = setTimer(delayMs, () => {
      set.delete(timer);
      task();
    });
    return () => {
      set.delete(timer);
      undo();
    };
  };
  onTestFinished(() => void (systemClock.setTimer = setTimer));
  return () => Array.from(set, ({ delayMs }) => delayMs);
}

async function start(): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer(contract({}), {
    logger: false,
    authenticate: ({ token }) => {
      if (token === "hang") return new Promise(() => {});
      if (token === "fail") throw new Error("no database");
      return token === "ann" ? { id: token } : null;
    },
    heartbeatMs: 1000,
    limits: { handshakeMs },
    onError: () => {},
  });
  onTestFinished(() => server.close());
  return { server: server as unknown as Server, ...(await serve(server, { port: 0, signals: false })) };
}

function knock(port: number, ...headers: string[]): Socket {
  const socket = connectTcp(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const head = ["GET /bowline HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"];
  socket.write([...head, "Sec-WebSocket-Version: 13", ...headers, "", ""].join("\r\n"));
  return socket.on("error", () => {});
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test("a socket that was let in is still the same one long after the time for the handshake", async () => {
  const timers = watchTimers();
  const { server, url } = await start();
  const socket = new WebSocket(url, ["bowline.v1.json"], { headers: { authorization: "Bearer ann" } });
  const ends: unknown[] = [];
  socket.on("close", (code) => ends.push(code));
  socket.on("message", (text: Buffer) => {
    if (text.toString().includes('"ping"')) socket.send('{"type":"pong"}');
  });
  await once(socket, "open");
  const secret = "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9";
  socket.send(
    JSON.stringify({ type: "hello", session: "NBEgpHYdQGo-5Hv6w6sH0Q", secret, generation: 1, rooms: [] }),
  );
  await once(socket, "message");
  expect(timers().filter((delayMs) => delayMs === handshakeMs || delayMs === handshakeMs + 1000)).toEqual([]);
  // The time for the upgrade, its slack, a second of the wheel and a heartbeat.
  await new Promise((resolve) => setTimeout(resolve, handshakeMs + 1000 + 1000 + 1000));
  expect([ends, socket.readyState, server.stats().connections]).toEqual([[], WebSocket.OPEN, 1]);
  socket.close();
  await until(() => server.stats().connections === 0);
});

test.each<[string, string[], RegExp | null]>([
  ["is let in and says nothing", [key, protocol, "Authorization: Bearer ann"], /^HTTP\/1\.1 101 /],
  ["is not known", [key, protocol], /^HTTP\/1\.1 401 /],
  ["is of another page", [key, protocol, "Origin: https://evil.example"], /^HTTP\/1\.1 403 /],
  ["offers no protocol", [key, "Authorization: Bearer ann"], /^HTTP\/1\.1 400 /],
  ["is no WebSocket handshake", [protocol, "Authorization: Bearer ann"], /^HTTP\/1\.1 400 /],
  ["is nobody authenticate can name", [key, protocol, "Authorization: Bearer fail"], /^HTTP\/1\.1 500 /],
  ["is never decided about", [key, protocol, "Authorization: Bearer hang"], /^HTTP\/1\.1 503 /],
  ["hangs up before it is decided about", [key, protocol, "Authorization: Bearer hang"], null],
])("who %s holds no place and no timer afterwards", async (_who, headers, answer) => {
  const timers = watchTimers();
  const { server, port } = await start();
  const before = timers().length;
  const socket = knock(port, ...headers);
  if (answer) {
    const [head] = (await once(socket, "data")) as [Buffer];
    expect(head.toString()).toMatch(answer);
  } else {
    await until(() => server.stats().connections === 1);
    socket.destroy();
  }
  if (!socket.destroyed && !socket.closed) await once(socket.resume(), "close");
  await until(() => server.stats().connections === 0);
  await until(() => timers().length === before);
});

test("who comes while the server starts is let in when it has, and its timer is off then", async () => {
  const timers = watchTimers();
  const broker = memory();
  const start = broker.start.bind(broker);
  let goOn = (): void => {};
  broker.start = async (...all) => {
    await new Promise<void>((go) => (goOn = go));
    await start(...all);
  };
  const server = createServer(contract({}), { broker, logger: false, limits: { handshakeMs } });
  const http = createHttpServer();
  onTestFinished(async () => {
    await server.close();
    http.close();
  });
  const attached = attach(server, http);
  await once(http.listen(0, "127.0.0.1"), "listening");
  const socket = new WebSocket(
    `ws://127.0.0.1:${(http.address() as AddressInfo).port}/bowline`,
    "bowline.v1.json",
  );
  const limitMs = handshakeMs + 1000;
  await until(() => timers().includes(limitMs));
  goOn();
  await Promise.all([attached, once(socket, "open")]);
  expect(timers()).not.toContain(limitMs);
  socket.close();
  await once(socket, "close");
});

test("a server that was closed has no timer left, whoever was there", async () => {
  const timers = watchTimers();
  const before = timers().length;
  const { server, url, port } = await start();
  const socket = new WebSocket(url, ["bowline.v1.json"], { headers: { authorization: "Bearer ann" } });
  await once(socket, "open");
  knock(port, key, protocol, "Authorization: Bearer hang");
  await until(() => server.stats().connections === 2);
  const closed = once(socket, "close");
  await server.close();
  await closed;
  await until(() => timers().length === before);
});
