import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import type { Client, ClientOptions } from "../../src/client/client-types.ts";
import { createClient as createProcessClient } from "../../src/client/node.ts";
import { createClient } from "../../src/client/index.ts";
import type { Transport, TransportSocket, WebSocketClass, WebSocketLike } from "../../src/client/socket.ts";
import { memoryStore } from "../../src/client/store.ts";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { both, boom, ends, expectNothingEscapes, hangs } from "../support/ends.ts";
import { Pair } from "../support/pair.ts";

expectNothingEscapes();

const chat = contract({
  rooms: {
    "chat/:room": room({ events: { message: event(z.any()), typing: signal(z.any()) }, presence: z.any() }),
  },
  requests: { other: request({ input: z.any(), output: z.any() }) },
});

type Chat = typeof chat;

/** A function that ends oddly once, when a test says so, and does what `usual` does at any other time. */
class Odd {
  isArmed = false;
  readonly #end: () => unknown;
  readonly #usual: (...of: unknown[]) => unknown;

  constructor(end: () => unknown, usual: (...of: never[]) => unknown = () => {}) {
    this.#end = end;
    this.#usual = usual as (...of: unknown[]) => unknown;
  }

  /** `doesIt`: it does what it is for all the same, before it ends oddly. */
  call(doesIt: boolean, ...of: unknown[]): unknown {
    const isOdd = this.isArmed;
    this.isArmed = false;
    if (!isOdd) return this.#usual(...of);
    if (doesIt) this.#usual(...of);
    return this.#end();
  }
}

/** One client and its line, on a server with another client. */
interface Scene {
  readonly pair: Pair<Chat>;
  readonly ada: Client<Chat>;
  readonly bea: Client<Chat>;
  readonly lobby: ReturnType<typeof joinLobby>;
  readonly odd: Odd;
}

type Given = (call: (...of: unknown[]) => never, pair: Pair<Chat>) => Partial<ClientOptions>;

interface Site {
  readonly name: string;
  /** What the function does at any other time. */
  readonly usual?: (pair: Pair<Chat>) => (...of: never[]) => unknown;
  readonly options?: Given;
  readonly make?: typeof createClient;
  /** Hands the function over, where that is done by a call. */
  readonly handOver?: (scene: Scene, call: () => never) => unknown;
  /** Makes the client call it; what it gives may be refused. */
  readonly trigger: (scene: Scene) => unknown;
  /** Whether nothing is done where it hangs; what it is for is done before otherwise. */
  readonly hangsFirst?: true;
  /** How long all is given to end. */
  readonly waitMs?: number;
  /** How what was triggered ends, where it ends with an error. */
  readonly code?: string | RegExp;
  /** What is reported where it hangs; nothing by default. */
  readonly late?: RegExp;
  /** What is reported where it ends, if that is something else. */
  readonly ended?: RegExp;
}

const joinLobby = (client: Client<Chat>) => client.join("chat/lobby", { presence: {} });

async function stage(site: Site, end: () => unknown, how: string) {
  const { usual, options, make = createClient, handOver } = site;
  const pair = new Pair(chat);
  pair.server
    .request("other", () => "answer")
    .room("chat/:room", {
      on: {
        typing: ({ payload }) => {
          if (payload === "no") throw new BowlineError("FORBIDDEN", "no");
        },
      },
    });
  await pair.start();
  const odd = new Odd(end, usual?.(pair));
  const call = (...of: unknown[]): never => odd.call(how in hangs && !site.hangsFirst, ...of) as never;
  const { clock, random, transport } = pair;
  const onError = (error: unknown): void => void pair.errors.push(error);
  const given = { clock, random, transport, onError, log: false, ...options?.(call, pair) };
  const ada = make(chat, { url: "ws://test/bowline", connect: false, ...given });
  ada.onStatus(() => {});
  const bea = await pair.openClient();
  ada.connect();
  const scene: Scene = { pair, ada, bea, lobby: joinLobby(ada), odd };
  await clock.settle();
  handOver?.(scene, call);
  return scene;
}

/** Beyond every bound but that of a store. */
const longMs = 30_000;
const storeMs = 65_000;

const publish = ({ ada }: Scene): unknown => ada.publish("chat/lobby", "message", 1);
const cut = ({ pair }: Scene): void => pair.lastLink.cut();

/** What makes a constructor give a socket of which nothing is heard. */
const silent = "silent";

/** A WebSocket class over the pair's line, of which one function is odd. */
function classOver(pair: Pair<Chat>, odd: "new" | "send" | "close", call: (...of: unknown[]) => unknown) {
  return class implements WebSocketLike {
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: never) => void) | null = null;
    onclose: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    readonly #socket: TransportSocket = { send: () => {}, close: () => {} };

    constructor(url: string) {
      const tell = (event: object): never => event as never;
      if (odd === "new" && call() === silent) return;
      this.#socket = pair.transport.open(url, null, {
        opened: () => this.onopen?.(tell({})),
        received: (data) => this.onmessage?.(tell({ data })),
        closed: (code, reason) => this.onclose?.(tell({ code, reason })),
      });
    }

    send(text: string): void {
      if (odd === "send") return call(() => this.#socket.send(text)) as void;
      this.#socket.send(text);
    }

    close(code = 1000, reason = ""): void {
      if (odd === "close") return call(() => this.#socket.close(code, reason)) as void;
      this.#socket.close(code, reason);
    }
  } satisfies WebSocketClass;
}

const runIt = () => (task: () => void) => task();
const overClass =
  (odd: "send" | "close"): Given =>
  (call, pair) => ({ WebSocket: classOver(pair, odd, call), transport: undefined as never });

const listeners: Site[] = [
  {
    name: "a room's on",
    handOver: ({ lobby }, call) => lobby.on("message", call),
    trigger: publish,
  },
  {
    name: "a room's on for a signal",
    handOver: ({ lobby }, call) => lobby.on("typing", call),
    trigger: ({ bea }) => {
      const theirs = bea.join("chat/lobby");
      return theirs.joined().then(() => theirs.publish("typing", 1));
    },
  },
  {
    name: "a room's onGap",
    trigger: ({ ada, odd }) => {
      const past = ada.join("chat/past", { position: { offset: 4, epoch: "gone" } });
      past.onGap(() => odd.call(false));
    },
  },
  {
    name: "a room's onStatus",
    handOver: ({ lobby }, call) => lobby.onStatus(call),
    trigger: cut,
  },
  {
    name: "a room's onError",
    handOver: ({ lobby }, call) => lobby.onError(call),
    trigger: ({ lobby }) => lobby.publish("typing", "no"),
  },
  {
    name: "a presence's onChange",
    handOver: ({ lobby }, call) => lobby.presence.onChange(call),
    trigger: ({ bea }) => bea.join("chat/lobby", { presence: 1 }).joined(),
  },
  { name: "a client's onStatus", handOver: ({ ada }, call) => ada.onStatus(call), trigger: cut },
  { name: "a client's onFate", handOver: ({ ada }, call) => ada.onFate(call), trigger: publish },
];

const options: Site[] = [
  {
    name: "the option token",
    options: (token) => ({ token }),
    trigger: cut,
    late: /the token source gave no token in time/,
  },
  {
    name: "the option user, asked by a dial",
    options: (user) => ({ user }),
    trigger: cut,
    ended: /boom|user must be a string/,
    late: /user must be a string of at most 256 bytes, not (object|function)/,
  },
  {
    name: "the option store, asked by a hello",
    options: (save) => ({ store: { ...memoryStore, save } }),
    trigger: cut,
    late: /the store took over a minute/,
    waitMs: storeMs,
  },
  {
    name: "the option store, asked by a publish",
    options: (save) => ({ store: { ...memoryStore, save } }),
    trigger: publish,
    code: "STORE_FAILED",
    late: /the store took over a minute/,
    waitMs: storeMs,
  },
  {
    name: "a WebSocket class's send",
    usual: runIt,
    options: overClass("send"),
    trigger: publish,
  },
  {
    name: "a WebSocket class's close",
    usual: runIt,
    options: overClass("close"),
    trigger: ({ ada }) => ada.reconnect(),
  },
  {
    name: "a WebSocket class's send, outside of pages",
    make: createProcessClient,
    usual: runIt,
    options: overClass("send"),
    trigger: publish,
  },
  {
    name: "a WebSocket class's close, outside of pages",
    make: createProcessClient,
    usual: runIt,
    options: overClass("close"),
    trigger: ({ ada }) => ada.reconnect(),
  },
  {
    name: "a transport's open",
    usual:
      ({ transport }) =>
      (...of: Parameters<Transport["open"]>) =>
        transport.open(...of),
    options: (open, { transport }) => ({ transport: { ...transport, open } }),
    hangsFirst: true,
    trigger: cut,
  },
  {
    name: "a transport's socket, woken,",
    usual: runIt,
    options: (send, { transport }) => ({
      transport: {
        ...transport,
        open: (...of) => {
          const socket = transport.open(...of);
          return { ...socket, send: (text) => send(() => socket.send(text)) };
        },
      },
    }),
    trigger: ({ pair }) => pair.wake(),
  },
  {
    name: "a transport's ask",
    usual:
      ({ transport }) =>
      (...of: Parameters<Transport["ask"]>) =>
        transport.ask(...of),
    options: (ask, { transport }) => ({ transport: { ...transport, ask } }),
    trigger: async (scene) => {
      scene.pair.offline = true;
      cut(scene);
      await scene.pair.clock.advance(1500);
      scene.pair.offline = false;
    },
  },
  {
    name: "a transport's onWake",
    usual:
      ({ transport }) =>
      (task: () => void) =>
        transport.onWake(task),
    options: (onWake, { transport }) => ({ transport: { ...transport, onWake } }),
    trigger: ({ ada }) => {
      ada.close();
      ada.connect();
    },
  },
  {
    name: "the undo of a transport's onWake",
    options: (undo, { transport }) => ({ transport: { ...transport, onWake: () => undo } }),
    trigger: ({ ada }) => {
      ada.close();
      ada.connect();
    },
  },
];

/** What follows is heard, stored and answered, by the client with the odd function and by another one. */
async function expectAllGoesOn({ pair, ada, bea, lobby }: Scene): Promise<void> {
  const heard: unknown[] = [];
  lobby.on("message", ({ payload }) => payload === "next" && heard.push(payload));
  const calls = [ada, bea].flatMap((client) => [
    client.request("other", 1),
    client.publish("chat/lobby", "message", "next").then(() => "stored"),
  ]);
  await pair.clock.advance(1000);
  expect(await Promise.all(calls)).toEqual(["answer", "stored", "answer", "stored"]);
  expect(heard).toEqual(["next", "next"]);
}

describe.each([...listeners, ...options])("$name", (site) => {
  test.each(both)("that %s ends nothing, is told once, and holds nobody up", async (how, end) => {
    const scene = await stage(site, end, how);
    scene.odd.isArmed = true;
    const outcome = (async () => site.trigger(scene))().then(
      () => undefined,
      (error: unknown) => (error as { code?: string }).code,
    );
    await scene.pair.clock.advance(site.waitMs ?? longMs);
    expect(scene.odd.isArmed, "it was called").toBe(false);
    expect(await outcome).toBe(site.code);
    const { late, ended = /boom/ } = site;
    const expected = how in ends ? ended : late;
    expect(scene.pair.errors.map(String)).toEqual(
      expected ? [expect.stringMatching(expected) as string] : [],
    );
    await expectAllGoesOn(scene);
  });
});

describe("the option user, asked by a call", () => {
  test.each(both)("that %s refuses the call, and nothing else", async (how, end) => {
    const site: Site = { name: "", options: (user) => ({ user }), trigger: publish };
    const scene = await stage(site, end, how);
    scene.odd.isArmed = true;
    const called = publish(scene) as Promise<unknown>;
    await expect(called).rejects.toThrow(how === "throws" ? "boom" : "user must be a string");
    const other = scene.ada.join("chat/other");
    await scene.pair.clock.settle();
    scene.odd.isArmed = true;
    other.leave();
    await scene.pair.clock.settle();
    // Who leaves is not asked who they are.
    expect(scene.odd.isArmed).toBe(true);
    scene.odd.isArmed = false;
    expect(scene.pair.errors).toEqual([]);
    await expectAllGoesOn(scene);
  });
});

describe("the option onError", () => {
  test.each(both)("that %s is said once on the console, and ends nothing", async (how, end) => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const site: Site = {
      name: "",
      options: (onError) => ({ onError }),
      handOver: ({ lobby }) => {
        const undo = lobby.on("message", () => {
          undo();
          throw new Error("a fault");
        });
      },
      trigger: publish,
    };
    const scene = await stage(site, end, how);
    scene.odd.isArmed = true;
    void publish(scene);
    await scene.pair.clock.advance(longMs);
    if (how in ends) expect(said).toHaveBeenCalledExactlyOnceWith("bowline:", boom);
    else expect(said).not.toHaveBeenCalled();
    await expectAllGoesOn(scene);
  });
});

describe.each([
  ["in a page", createClient],
  ["outside of pages", createProcessClient],
])("a WebSocket class's constructor, %s,", (_where, make) => {
  const site: Site = {
    name: "",
    make,
    options: (call, pair) => ({ WebSocket: classOver(pair, "new", call), transport: undefined as never }),
    trigger: cut,
  };

  test("that throws is reported once, and called again after a wait", async () => {
    const scene = await stage(site, ends["throws"] as () => unknown, "throws");
    scene.odd.isArmed = true;
    scene.ada.reconnect();
    await scene.pair.clock.advance(longMs);
    expect(scene.odd.isArmed).toBe(false);
    expect(scene.pair.errors).toEqual([boom]);
    await expectAllGoesOn(scene);
  });

  test("whose socket never opens is given up after 15 s", async () => {
    const scene = await stage(site, () => silent, "never opens");
    scene.odd.isArmed = true;
    scene.ada.reconnect();
    await scene.pair.clock.advance(14_999);
    expect(scene.ada.status.state).toBe("connecting");
    await scene.pair.clock.advance(longMs);
    expect(scene.pair.errors).toEqual([]);
    await expectAllGoesOn(scene);
  });
});
