import * as z from "zod";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientOptions } from "../../src/client/client-types.ts";
import { createClient } from "../../src/client/node.ts";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) } }) },
  requests: { ask: request({ input: z.any(), output: z.any() }) },
});

const dialled: string[] = [];

class StubWebSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  constructor(url: string) {
    dialled.push(url);
  }
  send(): void {}
  close(): void {}
}

function client(options: Omit<Partial<ClientOptions>, "url"> & { readonly url: string }) {
  return createClient(chat, { clock: new FakeClock(), random: new FakeRandom(), ...options });
}

/** The address that a client dials; fails where it does not within this turn. */
async function address(made: { connect(): void; close(): void }): Promise<string> {
  dialled.length = 0;
  made.connect();
  await Promise.resolve();
  await Promise.resolve();
  made.close();
  return dialled[0] ?? "none";
}

afterEach(() => vi.unstubAllGlobals());

describe("where there is no page", () => {
  test.each<[string, ClientOptions]>([
    ["a path", { url: "/bowline" }],
    ["a path, not to be connected", { url: "/bowline", connect: false }],
    ["an address, not to be connected", { url: "wss://example.com/bowline", connect: false }],
    ["what is no address, not to be connected", { url: "localhost:3000", connect: false }],
  ])("a client can be made, and joins and publishes wait: %s", (_what, options) => {
    vi.stubGlobal("WebSocket", undefined);
    vi.stubGlobal("location", undefined);
    const made = client(options);
    made.publish("chat/a", "message", 1).catch(() => {});
    expect(made.join("chat/a").status).toEqual({ state: "joining" });
    expect([made.status, made.pending.length]).toEqual([{ state: "closed", error: null }, 1]);
  });

  test.each(["/bowline", "localhost:3000", "", "ftp://example.com"])(
    "connect() says what url must be: %j",
    (url) => {
      vi.stubGlobal("WebSocket", StubWebSocket);
      const text = `url must be like "wss://example.com/bowline", or in a page a path, not ${url}`;
      const made = client({ url, connect: false });
      for (let count = 0; count < 2; count += 1) expect(made.connect).toThrow(new TypeError(text));
      expect(made.status.state).toBe("closed");
      expect(() => client({ url, connect: true })).toThrow(new TypeError(text));
    },
  );

  test("connect() says that a WebSocket class is missing, and so does what connects at once", () => {
    vi.stubGlobal("WebSocket", undefined);
    const url = "wss://example.com/bowline";
    expect(client({ url, connect: false }).connect).toThrow(/no global WebSocket/);
    expect(() => client({ url })).toThrow(/no global WebSocket/);
  });

  test("a client goes to an absolute address", async () => {
    const made = client({ url: "https://example.com/bowline", WebSocket: StubWebSocket, connect: false });
    expect(await address(made)).toBe("wss://example.com/bowline");
  });
});

describe("in a page", () => {
  test.each([
    ["http://page.example:8080/shop?x=1", "/bowline", "ws://page.example:8080/bowline"],
    ["https://page.example/shop/", "bowline", "wss://page.example/shop/bowline"],
    ["https://page.example/", "ws://other.example/b", "ws://other.example/b"],
    // A page without an address.
    ["", "wss://other.example/b", "wss://other.example/b"],
    ["about:blank", "wss://other.example/b", "wss://other.example/b"],
  ])("%j, %j leads to %s", async (href, url, expected) => {
    vi.stubGlobal("location", { href });
    vi.stubGlobal("WebSocket", StubWebSocket);
    expect(await address(client({ url, connect: false }))).toBe(expected);
  });

  test("a client connects at once, unless it is told not to", async () => {
    vi.stubGlobal("location", { href: "https://page.example/" });
    vi.stubGlobal("WebSocket", StubWebSocket);
    expect(client({ url: "/bowline" }).status.state).toBe("connecting");
    expect(client({ url: "/bowline", connect: false }).status.state).toBe("closed");
  });
});

describe("options that are none", () => {
  const url = "ws://test/bowline";

  test.each<[string, () => unknown, RegExp]>([
    [
      "createClient",
      () => client({ url, tokn: "x" } as never),
      /^createClient: unknown option "tokn": did you mean "token"\?/,
    ],
    [
      "createClient",
      () => createClient(chat, "ws://x" as never),
      /^createClient: options must be an object, not ws/,
    ],
    [
      "createClient",
      () => createClient(chat, undefined as never),
      /^createClient: options must be an object/,
    ],
    [
      "outbox",
      () => client({ url, outbox: { cuont: 1 } } as never),
      /^outbox: unknown option "cuont": did you mean "count"\?/,
    ],
    ["outbox", () => client({ url, outbox: 5 } as never), /^outbox: options must be an object, not 5/],
  ])("throw a TypeError that says which was meant: %s", (_where, misuse, text) => {
    expect(misuse).toThrow(TypeError);
    expect(misuse).toThrow(text);
  });

  test.each<[string, (it: ReturnType<typeof client>) => unknown, RegExp]>([
    [
      "join",
      (it) => it.join("chat/a", { histroy: 5 } as never),
      /^join: unknown option "histroy": did you mean "history"\?/,
    ],
    ["join", (it) => it.join("chat/a", "x" as never), /^join: options must be an object, not x/],
    ["join", (it) => it.join("chat/a", null as never), /^join: options must be an object, not null/],
    ["request", (it) => it.request("ask", 1, { timeout: 5 } as never), /^request: unknown option "timeout"/],
    ["request", (it) => it.request("ask", 1, 500 as never), /^request: options must be an object, not 500/],
  ])("throw at the call: %s", (_where, misuse, text) => {
    const made = client({ url, connect: false });
    expect(() => misuse(made)).toThrow(TypeError);
    expect(() => misuse(made)).toThrow(text);
    expect(made.pending).toEqual([]);
  });
});

describe("a message right after the start", () => {
  async function bench(payloadBytes: number) {
    const pair = await new Pair(contract({ rooms: chat.rooms }), { limits: { payloadBytes } }).start();
    return { pair, ada: pair.client({ outbox: { length: 4e6 } }) };
  }

  test.each([100_000, 1_000_000])(
    "waits for the server's limit and is sent: %i characters",
    async (length) => {
      const { pair, ada } = await bench(1024 * 1024);
      const stored = ada.publish("chat/a", "message", "x".repeat(length));
      await pair.clock.settle();
      expect(await stored).toMatchObject({ offset: 1 });
    },
  );

  test("that the server does not take is refused for good, and stops no other", async () => {
    const { pair, ada } = await bench(65_536);
    const [before, large, after] = [1, "x".repeat(100_000), 3].map((payload) =>
      ada.publish("chat/a", "message", payload),
    );
    const refused = expect(large).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE", retryable: false });
    await pair.clock.settle();
    await refused;
    expect([await before, await after]).toMatchObject([{ offset: 1 }, { offset: 2 }]);
    expect([ada.status.state, pair.links.length]).toEqual(["open", 1]);
  });
});
