import * as z from "zod";
import { describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client-types.ts";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({ events: { message: event(z.any()), typing: signal(z.any()) }, presence: z.any() }),
  },
  requests: { ask: request({ input: z.any(), output: z.any() }) },
});

type ChatClient = Client<typeof chat>;
type Lobby = ReturnType<ChatClient["join"]>;

async function bench() {
  const pair = new Pair(chat);
  pair.server.request("ask", ({ payload }) => payload as unknown);
  await pair.start();
  const ada = await pair.openClient();
  const lobby = ada.join("chat/a", { presence: { name: "Ada" } });
  await pair.clock.settle();
  return { pair, ada, lobby };
}

/** What `useSyncExternalStore` does: reads at once, and again when told; the same value means that nothing changed. */
function store<T>(subscribe: (changed: () => void) => () => void, getSnapshot: () => T) {
  const rendered: { readonly value: T; readonly text: string }[] = [];
  const text = (value: T): string =>
    JSON.stringify(value, (_key, it: unknown) => (it instanceof Map ? [...it] : it)) ?? "";
  const render = (): void => {
    const value = getSnapshot();
    expect(getSnapshot()).toBe(value);
    if (rendered.at(-1)?.value !== value) rendered.push({ value, text: text(value) });
  };
  render();
  subscribe(render);
  return {
    rendered,
    /** What was rendered before is as it was then. */
    check: (): void => {
      render();
      for (const { value, text: before } of rendered) expect(text(value)).toBe(before);
    },
  };
}

interface Case {
  readonly subscribe: (it: { ada: ChatClient; lobby: Lobby }) => (changed: () => void) => () => void;
  readonly snapshot: (it: { ada: ChatClient; lobby: Lobby }) => unknown;
  /** What is rendered in all, at least. */
  readonly least: number;
}

const cases: Record<string, Case> = {
  "client.status": { subscribe: ({ ada }) => ada.onStatus, snapshot: ({ ada }) => ada.status, least: 4 },
  "client.pending": { subscribe: ({ ada }) => ada.onFate, snapshot: ({ ada }) => ada.pending, least: 6 },
  "room.status": {
    subscribe: ({ lobby }) => lobby.onStatus,
    snapshot: ({ lobby }) => lobby.status,
    least: 4,
  },
  "room.presence.members": {
    subscribe: ({ lobby }) => lobby.presence.onChange,
    snapshot: ({ lobby }) => lobby.presence.members,
    least: 5,
  },
  "room.position": {
    subscribe:
      ({ lobby }) =>
      (changed) =>
        lobby.on("message", changed),
    snapshot: ({ lobby }) => lobby.position,
    least: 3,
  },
};

describe("a snapshot is the same until it changes, another one then, and never changes itself", () => {
  test.each(Object.entries(cases))("%s", async (_name, { subscribe, snapshot, least }) => {
    const { pair, ada, lobby } = await bench();
    const { rendered, check } = store(subscribe({ ada, lobby }), () => snapshot({ ada, lobby }));
    const bob = await pair.openClient();
    const bobs = bob.join("chat/a", { presence: { name: "Bob" } });
    await pair.clock.settle();
    check();
    bobs.presence.set({ name: "Bobby" });
    void lobby.publish("message", 1);
    await pair.clock.settle();
    check();
    bobs.leave();
    await pair.clock.settle();
    pair.links[0]?.cut();
    void lobby.publish("message", 2);
    await pair.clock.advance(5000);
    check();
    lobby.leave();
    await pair.clock.settle();
    check();
    expect(rendered.length).toBeGreaterThanOrEqual(least);
  });

  test("a turn in which nothing happens changes none, nor does what others do", async () => {
    const { pair, ada, lobby } = await bench();
    const read = (): unknown[] => [
      ...Object.values(cases).map(({ snapshot }) => snapshot({ ada, lobby })),
      lobby.presence,
      lobby.presence.set,
      ada.join,
    ];
    const before = read();
    const asked = ada.request("ask", 1);
    ada.join("chat/b").publish("typing", 1);
    await pair.clock.settle();
    await asked;
    // `pending` may be another one after a request, but then reads the same.
    expect(read()).toEqual(before);
    for (const [index, value] of read().entries()) if (index !== 1) expect(value).toBe(before[index]);
  });
});

describe("functions may be taken off", () => {
  test("a client", async () => {
    const { pair } = await bench();
    const { connect, reconnect, close, join, publish, request, onStatus, onFate } = pair.client({
      connect: false,
    });
    const told: string[] = [];
    onStatus(({ state }) => told.push(state));
    onFate(({ fate }) => told.push(fate));
    connect();
    await pair.clock.settle();
    publish("chat/a", "message", 1).catch(() => {});
    request("ask", 1).catch(() => {});
    const lobby = join("chat/a");
    await pair.clock.settle();
    await lobby.joined();
    reconnect();
    await pair.clock.settle();
    close();
    expect(told).toEqual(["connecting", "open", "queued", "sent", "stored", "connecting", "open", "closed"]);
  });

  test("a room and its presence", async () => {
    const { pair, lobby } = await bench();
    const { on, onGap, onStatus, onError, publish, joined, leave, presence } = lobby;
    const { set, onChange } = presence;
    const told: unknown[] = [];
    for (const listen of [onGap, onStatus, onError]) listen(() => told.push("told"));
    on("message", ({ payload }) => told.push(payload));
    onChange(({ size }) => told.push(size));
    await joined();
    set({ name: "Ada L." });
    publish("message", "hi").catch(() => {});
    publish("typing", 1);
    await pair.clock.settle();
    leave();
    expect(told.map(String).toSorted()).toEqual(["0", "1", "hi", "told"]);
  });
});
