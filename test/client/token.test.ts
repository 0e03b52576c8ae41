import { describe, expect, test } from "vitest";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { WebSocket } from "ws";
import * as z from "zod";
import { createClient } from "../../src/client/client.ts";
import type { ClientOptions } from "../../src/client/client-types.ts";
import { contract, event, room } from "../../src/contract/contract.ts";
import { tokenOf } from "../../src/server/credentials.ts";
import { dialBench, waitOf } from "../support/dial-bench.ts";
import { Pair } from "../support/pair.ts";

const nothing = contract({ rooms: { r: room({ events: { e: event(z.any()) } }) } });

describe("no token", () => {
  test.each([undefined, null, ""])("may be %j, from a source", async (value) => {
    const it = dialBench({ token: () => value });
    await it.open();
    expect(it.dial().token).toBeNull();
  });

  test.each<[string, ClientOptions["token"]]>([
    ["undefined", undefined],
    ["null", null],
    ["an empty text", ""],
    ["a source of undefined", () => undefined],
    ["a source of an empty text", async () => ""],
  ])("that is %s reaches neither the upgrade nor the question why it was refused", async (_what, token) => {
    const asked: IncomingMessage[] = [];
    const http = createServer((request, response) => {
      asked.push(request);
      response.writeHead(403, { "content-type": "application/json" }).end('{"code":"NO","message":"no"}');
    });
    http.on("upgrade", (request, socket) => {
      asked.push(request);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await once(http.listen(0, "127.0.0.1"), "listening");
    const { port } = http.address() as AddressInfo;
    const client = createClient(nothing, { url: `ws://127.0.0.1:${port}/`, WebSocket, token });
    await new Promise<void>((resolve) => client.onStatus(({ state }) => state === "closed" && resolve()));
    http.close();
    http.closeAllConnections();
    expect(client.status).toMatchObject({ error: { code: "NO" } });
    expect(asked.map(({ headers }) => [headers.authorization, headers["sec-websocket-protocol"]])).toEqual([
      [undefined, "bowline.v1.json"],
      [undefined, undefined],
    ]);
    expect(asked.map(({ headers }) => tokenOf({ url: "/", address: "", headers }))).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("a token that is none", () => {
  test.each([
    [{ a: "secret" }, /token must be a string .* not object/],
    [42, /not number/],
    [true, /not boolean/],
    [["secret"], /not object/],
    ["x".repeat(12_001), /at most 12000 bytes, not a longer one/],
    ["x".repeat(200_000), /at most 12000 bytes, not a longer one/],
  ])("is reported once, and tried again after a wait: %#", async (value, text) => {
    const it = dialBench({ token: () => value as string });
    it.connection.connect();
    await it.clock.settle();
    expect(it.reported).toHaveLength(1);
    expect(it.reported[0]).toBeInstanceOf(TypeError);
    expect(String(it.reported[0])).toMatch(text);
    expect(String(it.reported[0])).not.toMatch(/secret|xx/);
    expect(it.dials).toEqual([]);
    expect(waitOf(it)).toBeGreaterThan(0);
  });

  test("as long as may be is taken", async () => {
    const it = dialBench({ token: () => "x".repeat(12_000) });
    await it.open();
    expect(it.reported).toEqual([]);
    expect(it.dial().token).toHaveLength(12_000);
  });
});

describe("tokens that run out", () => {
  test("again and again before a connection is stable count as failed attempts", async () => {
    let count = 0;
    const it = dialBench({ token: () => `token-${(count += 1)}` });
    await it.open();
    for (let second = 0; second < 15; second += 1) {
      if (it.state() === "open") await it.end(4401);
      else if (it.state() === "connecting") await it.succeed();
      await it.clock.advance(1000);
    }
    expect(it.dials.length).toBeGreaterThan(2);
    expect(it.dials.length).toBeLessThan(8);
    const { status } = it.connection;
    expect(status.state === "waiting" ? status.reason : "closed with 4401").toBe("closed with 4401");
  });

  test("after a stable connection each are followed at once, every time", async () => {
    let count = 0;
    const it = dialBench({ token: () => `token-${(count += 1)}` });
    await it.open();
    for (let times = 0; times < 5; times += 1) {
      await it.clock.advance(10_000);
      await it.end(4401);
      expect(it.state()).toBe("connecting");
      await it.succeed();
    }
    expect(it.dials).toHaveLength(6);
  });

  test("ends it after a wait, too, where there is no new one", async () => {
    let token = "one";
    const it = dialBench({ token: () => token });
    await it.open();
    token = "two";
    await it.end(4401);
    await it.succeed();
    await it.end(4401);
    expect(it.state()).toBe("waiting");
    await it.clock.advance(1000);
    expect(it.connection.status).toMatchObject({ state: "closed", error: { code: "TOKEN_EXPIRED" } });
  });

  test("before they are used are refused at the door: nothing is carried out, and nobody loops", async () => {
    const heard: string[] = [];
    const pair: Pair<typeof nothing> = new Pair(nothing, {
      authenticate: () => ({ id: "ada", expiresAt: pair.clock.now() - 1 }),
    });
    pair.server.room("r", { on: { e: () => void heard.push("e") } });
    await pair.start();
    let tokens = 0;
    const client = pair.client({ token: () => `token-${(tokens += 1)}` });
    client.publish("r", "e", 1).catch(() => {});
    await pair.clock.advance(15_000);
    expect(client.status).toMatchObject({ state: "closed", error: { code: "UNAUTHORIZED" } });
    expect(tokens).toBeLessThan(4);
    expect(heard).toEqual([]);
  });
});
