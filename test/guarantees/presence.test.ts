import { contract, event, room } from "bowline";
import { createClient, type Client } from "bowline/client";
import { createServer, type Server, type ServerOptions } from "bowline/server";
import { serve } from "bowline/node";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { impatient } from "./clients.ts";

const lobby = contract({
  rooms: {
    "lobby/:name": room({ events: { note: event(z.string()) }, presence: z.object({ mood: z.string() }) }),
  },
});

interface Started {
  readonly server: Server;
  readonly port: number;
  readonly proxy: FaultProxy;
}

async function start(options: ServerOptions = {}): Promise<Started> {
  const server = createServer(lobby, {
    logger: false,
    authenticate: ({ token }) => (token ? { id: token } : null),
    ...options,
  });
  const { port } = await serve(server, { port: 0, signals: false });
  const proxy = await startFaultProxy({ port });
  onTestFinished(async () => {
    await proxy.close();
    await server.close();
  });
  return { server: server as unknown as Server, port, proxy };
}

function connect(port: number, user: string): Client<typeof lobby> {
  const client = createClient(lobby, {
    url: `ws://127.0.0.1:${port}/bowline`,
    token: user,
    WebSocket,
    ...impatient,
  });
  onTestFinished(() => client.close());
  return client;
}

/** Joins and writes down every list of members it is shown, as `user:mood` in alphabetic order. */
function watch(client: Client<typeof lobby>): { lists: string[]; until(list: string): Promise<void> } {
  const joined = client.join("lobby/a");
  const lists: string[] = [];
  let wake = (): void => {};
  joined.presence.onChange((members) => {
    lists.push(
      [...members.values()]
        .map(({ user, state }) => `${user}:${state.mood}`)
        .toSorted()
        .join(" "),
    );
    wake();
  });
  const until = async (list: string): Promise<void> => {
    while (lists.at(-1) !== list) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { lists, until };
}

test("members come, change their state and go; who reads without a state is no member", async () => {
  const { port } = await start();
  const watcher = watch(connect(port, "watcher"));
  await watcher.until("");
  const ann = connect(port, "ann");
  const room = ann.join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  connect(port, "bob").join("lobby/a", { presence: { mood: "calm" } });
  await watcher.until("ann:glad bob:calm");
  room.presence.set({ mood: "tired" });
  await watcher.until("ann:tired bob:calm");
  room.leave();
  await watcher.until("bob:calm");
});

test("a reconnect inside the grace time shows no flicker", async () => {
  const { port, proxy } = await start();
  const watcher = watch(connect(port, "watcher"));
  const ann = connect(proxy.port, "ann");
  const room = ann.join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  const before = watcher.lists.length;
  for (let cut = 0; cut < 3; cut++) {
    await room.joined();
    proxy.cut();
    await new Promise<void>((resolve) => {
      const undo = room.onStatus(({ state }) => {
        if (state !== "joined") return;
        undo();
        resolve();
      });
    });
  }
  room.presence.set({ mood: "back" });
  await watcher.until("ann:back");
  expect(watcher.lists.slice(before).filter((list) => !list.includes("ann"))).toEqual([]);
});

test("a member that is cut off for longer than the grace time is gone for everybody", async () => {
  const { port, proxy } = await start({ presenceGraceMs: 1000 });
  const watcher = watch(connect(port, "watcher"));
  connect(proxy.port, "ann").join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  proxy.refuse(true);
  proxy.cut();
  await watcher.until("");
});

type Lobby = ReturnType<Client<typeof lobby>["join"]>;

test.each<[string, (client: Client<typeof lobby>, joined: Lobby, server: Server) => unknown]>([
  ["its client closes", (client) => client.close()],
  ["it leaves", (_client, joined) => joined.leave()],
  [
    "it leaves and its client closes in the same turn",
    (client, joined) => {
      joined.leave();
      client.close();
    },
  ],
  ["the server ends it for good", (_client, _joined, server) => server.user("ann").disconnect()],
])("a member is gone at once, whatever the grace time, when %s", async (_how, end) => {
  const { server, port } = await start({ presenceGraceMs: 3_600_000 });
  const watcher = watch(connect(port, "watcher"));
  const ann = connect(port, "ann");
  const joined = ann.join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  await end(ann, joined, server);
  await watcher.until("");
});

test.each<[string, (client: Client<typeof lobby>) => void]>([
  ["tries again by hand", (client) => client.reconnect()],
  [
    "is closed and connects again",
    (client) => {
      client.close();
      client.connect();
      client.join("lobby/a", { presence: { mood: "glad" } });
    },
  ],
])("a member is there once when its client %s", async (_how, again) => {
  const { port } = await start({ presenceGraceMs: 3_600_000 });
  const watcher = watch(connect(port, "watcher"));
  const ann = connect(port, "ann");
  await ann.join("lobby/a", { presence: { mood: "glad" } }).joined();
  await watcher.until("ann:glad");
  again(ann);
  const room = ann.join("lobby/a");
  await room.joined();
  room.presence.set({ mood: "back" });
  await watcher.until("ann:back");
  expect(watcher.lists.every((list) => list.split(" ").length === 1)).toBe(true);
});

test("a component that is mounted, unmounted and mounted again is there once", async () => {
  const { port } = await start({ presenceGraceMs: 3_600_000 });
  const watcher = watch(connect(port, "watcher"));
  const mount = (mood: string): (() => void) => {
    const client = connect(port, "ann");
    client.join("lobby/a", { presence: { mood } });
    return () => client.close();
  };
  mount("first")();
  const unmount = mount("second");
  await watcher.until("ann:second");
  unmount();
  mount("third");
  await watcher.until("ann:third");
});

test("a half-open member is found by the heartbeat and let go", async () => {
  const { port, proxy } = await start({ presenceGraceMs: 1000, heartbeatMs: 1000 });
  const watcher = watch(connect(port, "watcher"));
  connect(proxy.port, "ann").join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  proxy.freeze();
  await watcher.until("");
});

test("a presence state that does not fit is refused and changes nothing", async () => {
  const { port } = await start();
  const watcher = watch(connect(port, "watcher"));
  const room = connect(port, "ann").join("lobby/a", { presence: { mood: "glad" } });
  await watcher.until("ann:glad");
  const refused = new Promise((resolve) => room.onError(resolve));
  room.presence.set({ mood: 5 } as never);
  expect(await refused).toMatchObject({ code: "INVALID", issues: [{ path: ["mood"] }] });
  room.presence.set({ mood: "fine" });
  await watcher.until("ann:fine");
});
