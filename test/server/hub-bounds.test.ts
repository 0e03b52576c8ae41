import { expect, test } from "vitest";
import type { Outbox } from "../../src/server/outbox.ts";
import { hubBench, retryMs, room } from "../support/hub-bench.ts";

const member = (session: string, state: unknown = null) => ({ session, user: session, state });

test("a list of members has as many bytes as it may, and is only a count beyond that, for everybody", async () => {
  const { broker, clock, hub, join } = hubBench();
  const ada = await join();
  const list = (length: number): number => {
    broker.members_ = [member("a", "x".repeat(length)), member("b", "ü")];
    return Buffer.byteLength(JSON.stringify(broker.members_));
  };
  const rest = 10_000 - list(0);
  list(rest);
  hub.receiveHole(room);
  await clock.settle();
  expect(ada.of("presence").at(-1)).toEqual({ type: "presence", room, members: broker.members_ });
  list(rest + 1);
  hub.receiveHole(room);
  await clock.settle();
  expect(ada.of("presence").at(-1)).toEqual({ type: "presence", room, count: 2 });
  let lists = 0;
  broker.members = async () => {
    lists += 1;
    return { count: broker.members_.length, list: broker.members_ };
  };
  // Known to be too long, it is not made again for each who comes.
  expect(await ada.reader?.room.members()).toEqual({ count: 2 });
  hub.receivePresence(room, { set: member("c"), count: 3 });
  await clock.settle();
  expect(ada.of("presence").at(-1)).toEqual({ type: "presence", room, count: 3 });
  expect(lists).toBe(0);
  list(10);
  await clock.advance(10_000);
  hub.receivePresence(room, { gone: "c", count: 2 });
  await clock.settle();
  expect(ada.of("presence").at(-1)).toEqual({ type: "presence", room, members: broker.members_ });
});

test("a list of members waits for a reader whose socket is full", async () => {
  const { broker, clock, hub, join } = hubBench();
  const [ada, bob] = [await join(), await join()];
  broker.members_ = [member("a")];
  ada.stall();
  hub.receiveHole(room);
  await clock.settle();
  const listed = [{ type: "presence", room, members: broker.members_ }];
  expect([ada.of("presence"), bob.of("presence")]).toEqual([[], listed]);
  ada.drain();
  await clock.settle();
  expect(ada.of("presence")).toEqual(listed);
});

test("the recent frames of all rooms are bounded together: who needs more reads the log", async () => {
  const { broker, clock, hub, join } = hubBench();
  const ada = await join();
  ada.stall();
  const large = "x".repeat(900_000);
  const others = Array.from({ length: 12 }, (_, index) => `other ${index}`);
  const bound = { count: 100, ageMs: Infinity, bytes: Infinity };
  broker.publish(1);
  await clock.settle();
  for (const name of others) {
    const joining = hub.join(name, bound, ada.outbox as Outbox, 0);
    await clock.settle();
    const { room: other } = await joining;
    hub.receiveEntry(name, other.epoch, { offset: other.sent + 1, data: large });
    await clock.settle();
  }
  const before = broker.reads;
  ada.drain();
  await clock.settle();
  expect(broker.reads - before, "its own frames were the first to go").toBeGreaterThan(0);
  expect(ada.of("event")).toHaveLength(1);
});

test("members are listed once a second where the broker fails, however many holes there are", async () => {
  const { broker, clock, errors, hub, join } = hubBench();
  await join();
  broker.members_ = [{ session: "s", user: "ada", state: null }];
  broker.down = true;
  for (let second = 0; second < 5; second += 1) {
    hub.receiveHole(room);
    await clock.advance(retryMs);
  }
  // The log and the list, at each hole and each second.
  expect(errors.length).toBeLessThanOrEqual(20);
  errors.length = 0;
  await clock.advance(3 * retryMs);
  expect(errors.length).toBe(6);
  broker.down = false;
});
