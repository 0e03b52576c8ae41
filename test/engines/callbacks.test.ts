import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { connect as connectTcp, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { attach, serve } from "bowline/node";
import { createServer, type ErrorInfo, type Server, type ServerOptions } from "bowline/server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { contract } from "bowline";
import { both, boom, ends, expectNothingEscapes } from "../support/ends.ts";
import { upgradeText } from "./raw-client.ts";

expectNothingEscapes();

/** A server without anything in it, and what it reports. */
function quiet(options: ServerOptions = {}) {
  const reported: [error: unknown, stage: string][] = [];
  const onError = (error: unknown, { stage }: ErrorInfo): void => void reported.push([error, stage]);
  return { server: createServer(contract({}), { onError, ...options }), reported };
}

async function attached(options: ServerOptions = {}) {
  const { server, reported } = quiet(options);
  const http = createHttpServer();
  await attach(server, http);
  await once(http.listen(0), "listening");
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  return { server, reported, http, port: (http.address() as AddressInfo).port };
}

/** What an upgrade is answered with, up to the end of its first piece; empty where it is only cut. */
async function upgrade(port: number, headers: Record<string, string> = {}): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(upgradeText(headers));
  const [bytes] = (await Promise.race([once(socket, "data"), once(socket, "close")])) as [unknown];
  // One that stays would be waited for at the end.
  socket.destroy();
  return bytes instanceof Buffer ? bytes.toString() : "";
}

/** A place is given back, and the next client is let in. */
async function expectNextIsLetIn(server: Server, port: number): Promise<void> {
  await vi.waitFor(() => expect(server.stats().connections).toBe(0), { timeout: 5000 });
  expect(await upgrade(port, { authorization: "Bearer fine" })).toMatch(/^HTTP\/1\.1 101 /);
}

/** Stands in front of everything that an HTTP server tells of, as many a tool does, and does something once. */
function intrude(http: HttpServer, event: string, intrusion: (...of: never[]) => void): void {
  const emit = http.emit.bind(http) as (...of: unknown[]) => boolean;
  let isDone = false;
  http.emit = ((name: string, ...of: never[]) => {
    if (name === event && !isDone) {
      isDone = true;
      intrusion(...of);
    }
    return emit(name, ...of);
  }) as typeof http.emit;
}

test("an upgrade that another WebSocket server has handled is reported once, and holds no place", async () => {
  const { server, reported, http, port } = await attached();
  const other = new WebSocketServer({ noServer: true });
  intrude(http, "upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) =>
    other.handleUpgrade(request, stream, head, () => {}),
  );
  await upgrade(port);
  await vi.waitFor(() => expect(reported).toHaveLength(1));
  expect(String(reported[0])).toMatch(/handleUpgrade\(\) was called more than once.*,http$/);
  await expectNextIsLetIn(server, port);
});

describe.each(["/bowline", "/elsewhere"])("a request of %s", (path) => {
  test.each(["GET", "OPTIONS"])("(%s) that another handler has answered is left as it is", async (method) => {
    const { server, reported, http, port } = await attached();
    intrude(http, "request", (_request: never, response: { end(text: string): void }) =>
      response.end("theirs"),
    );
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect([answer.status, await answer.text()]).toEqual([200, "theirs"]);
    expect(reported).toEqual([]);
    expect((await fetch(`http://127.0.0.1:${port}/bowline`)).status).toBe(426);
    await expectNextIsLetIn(server, port);
  });
});

describe("the handler of serve", () => {
  test.each(both)(
    "that %s ends nothing, and what it never answers ends with the server",
    async (how, end) => {
      const { server, reported } = quiet();
      const { port } = await serve(server, {
        port: 0,
        host: "127.0.0.1",
        signals: false,
        handler: end,
      });
      const asked = fetch(`http://127.0.0.1:${port}/page`).then(({ status }) => status);
      asked.catch(() => {});
      if (how in ends) expect(await asked).toBe(500);
      await expectNextIsLetIn(server, port);
      expect(reported).toEqual(how in ends ? [[boom, "http"]] : []);
      await server.close();
      if (!(how in ends)) await expect(asked).rejects.toThrow("fetch failed");
    },
  );
});

test("a socket that goes while authenticate decides holds no place", async () => {
  const { server, reported, http, port } = await attached({
    authenticate: async ({ token }) => {
      if (token === "fine") return { id: "fine" };
      const [stream] = streams as [Duplex];
      const gone = once(stream, "close");
      stream.destroy();
      await gone;
      return { id: "gone" };
    },
  });
  const streams: Duplex[] = [];
  http.on("connection", (stream) => streams.push(stream));
  expect(await upgrade(port, { authorization: "Bearer odd" })).toBe("");
  await expectNextIsLetIn(server, port);
  expect(reported).toEqual([]);
});

describe("over a socket, authenticate", () => {
  test.each(both)("that %s refuses that upgrade, and no other", async (how, end) => {
    const { server, reported, port } = await attached({
      limits: { handshakeMs: 300 },
      authenticate: (({ token }: { token: string }) => (token === "fine" ? { id: token } : end())) as never,
    });
    const answer = await upgrade(port, { authorization: "Bearer odd" });
    expect(answer).toMatch(how in ends ? /^HTTP\/1\.1 500 / : /^HTTP\/1\.1 503 /);
    expect(reported).toHaveLength(1);
    await expectNextIsLetIn(server, port);
  });
});

describe("over a socket, a function of origins", () => {
  test.each(both)("that %s refuses that upgrade, and no other", async (_how, end) => {
    const { server, reported, port } = await attached({ origins: end as never });
    expect(await upgrade(port, { origin: "https://a.example" })).toMatch(/^HTTP\/1\.1 500 /);
    expect(reported).toHaveLength(1);
    await expectNextIsLetIn(server, port);
  });
});
