import { once } from "node:events";
import { contract, event, room } from "bowline";
import { createServer } from "bowline/server";
import { Storm, World, type WorldOptions } from "bowline/testing";
import { expect, test } from "vitest";
import * as z from "zod";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.object({ text: z.string() })) },
      history: { count: 100 },
    }),
  },
});

function start(options: Partial<WorldOptions<typeof chat>> = {}): World<typeof chat> {
  return World.start({
    seed: 1,
    contract: chat,
    server: (seams) =>
      createServer(chat, { ...seams, authenticate: ({ token }) => (token ? { id: token } : null) }),
    ...options,
  });
}

test("what one device publishes, another one on another node gets", async () => {
  const world = start({ nodes: 2 });
  const [ada, bob] = [world.device("ada", { token: "ada" }), world.device("bob", { token: "bob" })];
  const texts: string[] = [];
  bob.client.join("chat/a").on("message", ({ payload }) => texts.push(payload.text));
  await world.run(1000);
  void ada.client.join("chat/a").publish("message", { text: "hi" });
  await world.run(1000);
  expect(texts).toEqual(["hi"]);
  expect([...world.check(), ...(await world.settle())]).toEqual([]);
});

test("time passes until a promise settles, and no longer than is wanted", async () => {
  const world = start();
  const lobby = world.device("ada", { token: "ada" }).client.join("chat/a");
  await world.until(lobby.joined());
  const { offset } = await world.until(lobby.publish("message", { text: "hi" }));
  expect(offset).toBe(1);
  expect(world.nowMs).toBeLessThan(1000);
  const refusal = lobby.publish("message", { text: 1 as never });
  await expect(world.until(refusal)).rejects.toMatchObject({ code: "INVALID" });
  await expect(world.until(new Promise(() => {}), 500)).rejects.toThrow("500 ms of virtual time passed");
});

test("a promise that is awaited while time stands still is warned of once", async () => {
  const warned = once(process, "warning");
  const world = start();
  const lobby = world.device("ada", { token: "ada" }).client.join("chat/a");
  const published = lobby.publish("message", { text: "hi" });
  const [warning] = (await warned) as [Error];
  expect(warning.message).toContain("ada's publish to chat/a waits");
  expect(warning.message).toContain("world.until(promise)");
  await world.until(published);
});

test("a storm over handlers of one's own", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const world = start({ seed, nodes: 2 });
    const devices = ["ada", "bob", "eve"].map((name) => world.device(name, { token: name, keeping: "sync" }));
    for (const device of devices) device.client.join("chat/a", { history: 50 });
    const storm = new Storm(world, {
      weights: { cut: 3, tear: 2, deaf: 1, offline: 1, crash: 0.5, reload: 1 },
      meanMs: 1000,
      lastsMs: 2000,
      onReload: (device, former) => {
        for (const { name, position } of former)
          device.client.join(name as "chat/a", position ? { position } : {});
      },
    });
    storm.start();
    for (let n = 0; n < 40; n += 1) {
      const { client } = devices[n % devices.length]!;
      client
        .join("chat/a")
        .publish("message", { text: String(n) })
        .catch(() => {});
      await world.run(500);
    }
    storm.stop();
    expect([...(await world.settle()), ...world.check()], `seed ${seed}`).toEqual([]);
  }
});

test("a memory broker ends with its node: who was joined is told of a gap, also over a line that breaks in between", async () => {
  for (let frames = 1; frames <= 4; frames += 1) {
    const world = start();
    const ada = world.device("ada", { token: "ada" });
    const lobby = ada.client.join("chat/a");
    void lobby.publish("message", { text: "before" });
    await world.run(1000);
    const gaps: string[] = [];
    lobby.onGap(({ reason }) => gaps.push(reason));
    world.nodes[0]!.crash();
    world.nodes[0]!.start();
    // The next connections break after so many frames.
    world.network.tearNext(frames);
    expect(await world.settle()).toEqual([]);
    void lobby.publish("message", { text: "after" });
    await world.run(1000);
    expect(gaps).toEqual(["epoch"]);
    expect(world.check()).toEqual([]);
  }
});

test("several nodes do not share a memory broker", () => {
  expect(() => start({ nodes: 2, broker: "memory" })).toThrow("a memory broker serves one node, not several");
});
