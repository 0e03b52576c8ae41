import { contract, event, room, signal } from "bowline";
import { createServer } from "bowline/server";
import { World } from "bowline/testing";
import { expect, test } from "vitest";
import * as z from "zod";

const app = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.number()), typing: signal(z.number()) } }) },
});

function start() {
  const world = World.start({
    seed: 3,
    contract: app,
    nodes: 1,
    broker: "shared",
    server: (seams) =>
      createServer(app, { ...seams, authenticate: ({ token }) => (token ? { id: token } : null) }),
  });
  const ada = world.device("ada", { token: "ada" });
  const lobby = ada.client.join("chat/lobby");
  return { world, ada, lobby, broker: world.nodes[0]!.shared! };
}

test("a client is told that the broker is away, and that it is back", async () => {
  const { world, ada, broker } = start();
  await world.run(1000);
  expect(ada.client.status).toEqual({ state: "open", degraded: false });
  broker.breakDown("reject");
  await world.run(1000);
  expect(ada.client.status).toEqual({ state: "open", degraded: true });
  expect(world.nodes[0]!.server!.stats().degraded).toBe(true);
  broker.restore();
  await world.run(1000);
  expect(ada.client.status).toEqual({ state: "open", degraded: false });
});

test("what is published meanwhile waits, and is stored once; a signal is dropped", async () => {
  const { world, lobby, broker } = start();
  await world.run(1000);
  broker.breakDown("reject");
  lobby.publish("typing", 1);
  const published = Promise.all([1, 2, 3].map((n) => lobby.publish("message", n)));
  await world.run(10_000);
  expect(world.history.of("appended")).toEqual([]);
  broker.restore();
  const [positions] = await Promise.all([published, world.run(5000)]);
  expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  expect(world.check()).toEqual([]);
});

test("who comes back in the middle of it is told by the welcome", async () => {
  const { world, ada, broker } = start();
  await world.run(1000);
  broker.breakDown("hang");
  ada.cut();
  await world.run(2000);
  expect(ada.client.status.state).not.toBe("open");
  broker.link.down = null;
  ada.client.reconnect();
  await world.run(3000);
  // The calls get through again; that the outage is over was not noticed yet.
  expect(ada.client.status).toEqual({ state: "open", degraded: true });
});
