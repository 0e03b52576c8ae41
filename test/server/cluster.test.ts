import { contract, event } from "bowline";
import { createServer } from "bowline/server";
import { World, type Device } from "bowline/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";

const app = contract({ inbox: { mentioned: event(z.object({ by: z.string() })) } });

/** Two nodes, and devices of the users `ada` (two of them) and `bob/x`. */
async function start() {
  const world = World.start({
    seed: 7,
    contract: app,
    nodes: 2,
    server: (seams) =>
      createServer(app, { ...seams, authenticate: ({ token }) => (token ? { id: token } : null) }),
  });
  const device = (name: string, token: string): Device<typeof app> => world.device(name, { token });
  const devices = {
    phone: device("phone", "ada"),
    laptop: device("laptop", "ada"),
    bob: device("bob", "bob/x"),
  };
  for (const { client } of Object.values(devices)) client.connect();
  await world.run(2000);
  const [one, two] = world.nodes.map(({ server }) => server!) as [
    ReturnType<typeof createServer<typeof app>>,
    ReturnType<typeof createServer<typeof app>>,
  ];
  /** What a promise comes to while time passes. */
  const soon = async <T>(promise: Promise<T>): Promise<T> => {
    const [result] = await Promise.all([promise, world.run(5000)]);
    return result;
  };
  return { world, ...devices, one, two, soon };
}

describe("an inbox", () => {
  test("reaches every device of its user from any node, one that comes later too", async () => {
    const { world, phone, laptop, one, two, soon } = await start();
    const heard: string[] = [];
    phone.client.join("inbox/ada").on("mentioned", ({ payload }) => heard.push(`phone ${payload.by}`));
    await world.run(1000);
    await soon(one.user("ada").notify("mentioned", { by: "bob" }));
    await soon(two.user("ada").notify("mentioned", { by: "eve" }));
    laptop.client
      .join("inbox/ada", { history: 10 })
      .on("mentioned", ({ payload }) => heard.push(`laptop ${payload.by}`));
    await world.run(1000);
    expect(heard).toEqual(["phone bob", "phone eve", "laptop bob", "laptop eve"]);
  });

  test("is its user's own, whatever characters the id has", async () => {
    const { world, phone, bob } = await start();
    const foreign = phone.client.join("inbox/bob%2Fx");
    const own = bob.client.join("inbox/bob%2Fx");
    await world.run(1000);
    expect(foreign.status).toMatchObject({ state: "refused", error: { code: "FORBIDDEN" } });
    expect(own.status.state).toBe("joined");
  });

  test("takes nothing from clients", async () => {
    const { phone, soon } = await start();
    const room = phone.client.join("inbox/ada");
    const untyped = room as unknown as { publish(event: string, payload: unknown): Promise<unknown> };
    const refused = soon(untyped.publish("mentioned", { by: "me" }));
    await expect(refused).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  test("can't be declared twice, and holds no signals", () => {
    expect(() => contract({ inbox: { a: { ...event(z.null()), kind: "signal" as never } } })).toThrow(
      /inbox.a must be made with event/,
    );
    const rooms = { "inbox/:user": { kind: "room" } as never };
    expect(() => contract({ rooms, inbox: { a: event(z.null()) } })).toThrow(/is the contract's inbox/);
  });
});

describe("a cluster", () => {
  test("ends a user's connections on every node", async () => {
    const { world, phone, laptop, bob, one, soon } = await start();
    expect(await soon(one.user("ada").disconnect("bye"))).toEqual({ connections: 2, missing: [] });
    await world.run(1000);
    expect([phone, laptop, bob].map(({ client }) => client.status.state)).toEqual([
      "closed",
      "closed",
      "open",
    ]);
  });

  test("counts connections by node", async () => {
    const { two, soon } = await start();
    const { connections, nodes, missing } = await soon(two.clusterStats());
    expect([connections, nodes.size, missing]).toEqual([3, 2, []]);
  });

  test("names the nodes that do not answer", async () => {
    const { world, one, soon } = await start();
    world.sleep(world.nodes[1]!, 60_000);
    const { nodes, missing } = await soon(one.clusterStats());
    expect([nodes.size, missing.length]).toEqual([1, 1]);
  });
});
