/** The chat's own server under everything that befalls phones and laptops: each seed is another story of two minutes. */
import { Storm, World, type Device } from "bowline/testing";
import { expect, test } from "vitest";
import { createChatServer } from "./chat-server.ts";
import { chat } from "./contract.ts";
import { firstRooms } from "./directory.ts";

type Visitor = Device<typeof chat>;

function start(seed: number): World<typeof chat> {
  return World.start({
    seed,
    contract: chat,
    server: (seams) => {
      const { server, openFirstRooms } = createChatServer(seams);
      seams.clock.defer(() => void openFirstRooms());
      return server;
    },
  });
}

/** What a page does when it is loaded: joins the list of rooms, and every room on it. Gives back the list as it grows. */
function load({ client }: Visitor): Set<string> {
  const slugs = new Set<string>();
  client.join("rooms", { history: 1000 }).on("opened", ({ payload: { slug } }) => {
    slugs.add(slug);
    client.join(`chat/${slug}`, { history: 100, presence: { away: false } });
  });
  return slugs;
}

/** Something that a visitor does twice a second. */
function act({ client, name }: Visitor, n: number): void {
  const room = client.join(`chat/${firstRooms[n % firstRooms.length]!.slug}`, { presence: { away: false } });
  if (n % 10 === 0) client.request("rooms.open", { title: `${name}'s corner ${n}` }).catch(() => {});
  else if (n % 7 === 0) room.presence.set({ away: n % 2 === 0 });
  else if (n % 3 === 0) room.publish("typing", { active: true });
  else room.publish("message", { text: `${name} says ${n}` }).catch(() => {});
}

test("visitors see the same rooms, messages and people, whatever becomes of their lines", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const world = start(seed);
    const visitors = ["Ada", "Grace", "Alan"].map((name) =>
      world.device(name, { token: name, keeping: "sync" }),
    );
    const lists = new Map(visitors.map((visitor) => [visitor, load(visitor)]));
    const storm = new Storm<typeof chat>(world, {
      weights: { cut: 3, tear: 2, deaf: 1, offline: 2, stall: 1, sleep: 1, reload: 1 },
      meanMs: 1500,
      lastsMs: 5000,
      onReload: (visitor) => lists.set(visitor, load(visitor)),
    });
    storm.start();
    for (let n = 0; n < 240; n += 1) {
      const visitor = visitors[n % visitors.length]!;
      visitor.process.run(() => act(visitor, n));
      await world.run(500);
    }
    storm.stop();

    expect([...(await world.settle()), ...world.check()], `seed ${seed}`).toEqual([]);
    const [first, ...others] = [...lists.values()];
    expect(first!.size).toBeGreaterThan(firstRooms.length);
    for (const other of others) expect([...other], `seed ${seed}`).toEqual([...first!]);
    const messages = world.history.of("appended").filter(({ room }) => room !== "rooms");
    expect(messages.length).toBe(world.history.of("publish").length);
  }
});

test("nobody comes in without a name, or into a room that is not there", async () => {
  const world = start(1);
  const [nobody, ada] = [world.device("nobody", { token: "" }), world.device("Ada", { token: "Ada" })];
  const refused = expect(ada.client.join("chat/cellar").joined()).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
  await world.run(10_000);
  await refused;
  expect(nobody.client.status).toMatchObject({ state: "closed", error: { code: "UNAUTHORIZED" } });
});
