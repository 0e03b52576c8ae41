import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { nats } from "bowline/nats";
import type { PurgeOpts } from "@nats-io/jetstream";
import type { AppendResult, Broker, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";

const ample: LogBound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
const session = "session-1";
const uncertain = { code: "UNCERTAIN" };

describe.skipIf(!natsPath)("nats, when somebody takes something out of a stream", () => {
  let server: NatsServer;
  let prefix = "";
  let tests = 0;
  let nodes = 0;
  const undo: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await NatsServer.start();
  }, 30_000);

  afterAll(() => server?.stop());

  afterEach(async () => {
    for (const task of undo.splice(0).reverse()) await task();
  });

  /** A node that knows nothing yet. */
  async function start(leaseMs = 15_000): Promise<{ broker: Broker; heard: Heard }> {
    const broker = nats({ servers: server.url, prefix, leaseMs });
    const heard = new Heard();
    await broker.start(heard.sink, `node-${++nodes}`);
    undo.push(() => broker.stop());
    return { broker, heard };
  }

  /** A node that has stored three entries of a session, each in a message of its own, behind the one that begins the log. */
  async function begin(): Promise<Broker> {
    prefix = `taken${++tests}`;
    const { broker } = await start();
    await broker.openSession({ session, user: "ada", generation: 1 });
    for (const ref of [1, 2, 3]) expect(await append(broker, ref)).toMatchObject({ outcome: "stored" });
    return broker;
  }

  async function append(broker: Broker, ref: number, bound = ample): Promise<AppendResult> {
    return broker.append({ room: "room", data: `${ref}`, bound, origin: { session, ref } });
  }

  function purge(kind: string, what?: PurgeOpts): Promise<unknown> {
    return server.withStream(`${prefix}_${kind}_`, (streams, name) => streams.purge(name, what));
  }

  function remove(seq: number): Promise<unknown> {
    return server.withStream(`${prefix}_log_`, (streams, name) => streams.deleteMessage(name, seq));
  }

  const filter = (): string => `${prefix}.log.*.room`;

  /** What is taken, and the refs whose fate nobody knows then, to a node that knew nothing. */
  const losses: Record<string, { readonly take: () => Promise<unknown>; readonly refs: readonly number[] }> =
    {
      "a room": { take: () => purge("log", { filter: filter() }), refs: [1, 2, 3] },
      "all rooms": { take: () => purge("log"), refs: [1, 2, 3] },
      "the beginning of a room": { take: () => purge("log", { filter: filter(), keep: 1 }), refs: [1, 2] },
      "an entry in the middle": { take: () => remove(3), refs: [1, 2] },
    };

  test.each(Object.entries(losses))("%s: nothing is stored twice", async (_, { take, refs }) => {
    const former = await begin();
    const { epoch } = await former.read("room", 0, 10);
    await take();
    const { broker } = await start();
    for (const ref of refs) await expect(append(broker, ref)).rejects.toMatchObject(uncertain);
    // What is left, and what is new, is as it was.
    for (const ref of [1, 2, 3].filter((it) => !refs.includes(it)))
      expect(await append(broker, ref)).toEqual({ outcome: "repeated", position: { epoch, offset: ref } });
    for (const [ref, node] of [broker, former].entries())
      expect(await append(node, 4 + ref)).toMatchObject({ outcome: "stored" });
    const [page, other] = [await broker.read("room", 0, 10), await former.read("room", 0, 10)];
    expect([other.epoch, other.head]).toEqual([page.epoch, page.head]);
    expect(page.epoch === epoch).toBe(refs.length < 3);
  });

  test("the newest entry: its position is given to no other", async () => {
    const former = await begin();
    const { epoch } = await former.read("room", 0, 10);
    await former.subscribe("room", ample);
    await remove(4);
    const { broker } = await start();
    // It can't know of the third, and would take its place; who knew it finds out.
    expect(await append(broker, 4)).toMatchObject({ outcome: "stored" });
    await vi.waitFor(async () => {
      const page = await former.read("room", 0, 10);
      expect(page.epoch).not.toBe(epoch);
    });
    await expect(append(former, 3)).rejects.toMatchObject(uncertain);
    const taken = await append(former, 5);
    expect(taken).toMatchObject({ outcome: "stored" });
    expect(taken).not.toMatchObject({ position: { epoch } });
  });

  const archives: Record<string, () => Promise<unknown>> = {
    "all ledgers": () => purge("ledger"),
    "those of a room": () => purge("ledger", { filter: `${prefix}.ledger.*.room.room.*` }),
  };

  test.each(Object.entries(archives))(
    "%s that logs were cut for: nothing is stored twice",
    async (_, take) => {
      const former = await begin();
      const bound: LogBound = { count: 4, ageMs: 3_600_000, bytes: Infinity };
      for (let number = 0; number < 300; number += 1)
        await former.append({ room: "room", data: `${number}`, bound });
      await vi.waitFor(async () => expect(await server.messages(`${prefix}_log_`)).toBeLessThan(100));
      expect(await append((await start()).broker, 2, bound)).toMatchObject({ outcome: "repeated" });
      await take();
      const { broker } = await start();
      await expect(append(broker, 2, bound)).rejects.toMatchObject(uncertain);
      expect(await append(broker, 4, bound)).toMatchObject({ outcome: "stored" });
      expect(await append(former, 2, bound), "that knew it").toMatchObject({ outcome: "repeated" });
    },
  );

  test("answers: what was run is not run again", async () => {
    const former = await begin();
    const origin = { session, ref: 4 };
    expect(await former.claimRequest(origin)).toEqual({ outcome: "claimed" });
    await former.answerRequest(origin, "done");
    await purge("ledger");
    for (const node of [(await start()).broker, former])
      expect(await node.claimRequest(origin)).toEqual({ outcome: "unanswered" });
  });

  test("nothing: a lower ref, in rooms that were there before and not, is no loss", async () => {
    const former = await begin();
    await former.claimRequest({ session, ref: 20 });
    const { broker } = await start();
    for (const room of ["room", "other"])
      expect(
        await broker.append({ room, data: "x", bound: ample, origin: { session, ref: 10 } }),
      ).toMatchObject({ outcome: "stored" });
  });

  test("a member: its node puts it back", async () => {
    prefix = `taken${++tests}`;
    const { broker } = await start(500);
    const member = { session, user: "ada", state: 1 };
    await broker.enter("room", member, 1);
    // At the first beat it puts everything back.
    await vi.waitFor(async () => expect(await server.lastSeq(`${prefix}_lease_`)).toBeGreaterThan(3), 5000);
    await purge("presence", { filter: `${prefix}.presence.*.room.*` });
    const other = (await start(500)).broker;
    await vi.waitFor(
      async () => expect(await other.members("room", 10)).toEqual({ count: 1, list: [member] }),
      5000,
    );
  });

  test("the lease of a node that dies before others have seen it: its members go", async () => {
    prefix = `taken${++tests}`;
    const leaseMs = 500;
    const { broker } = await start(leaseMs);
    // It has looked around, and seen nobody else.
    await vi.waitFor(async () => expect(await server.lastSeq(`${prefix}_lease_`)).toBeGreaterThan(6), 5000);
    await server.withStream(`${prefix}_presence_`, async (_, name) => {
      const id = name.split("_").slice(2).join("_");
      const place = { member: { session: "ghost", user: "ada", state: 1 }, generation: 1, node: "dead" };
      await server.publish(`${prefix}.presence.${id}.room.ghost`, JSON.stringify(place));
    });
    expect((await broker.members("room", 10)).count).toBe(1);
    await vi.waitFor(async () => expect((await broker.members("room", 10)).count).toBe(0), 5000);
  });
});
