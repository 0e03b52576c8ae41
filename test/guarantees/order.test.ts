import { expect, test } from "vitest";
import { connect, impatient, opened, startBehindProxy } from "./clients.ts";
import { range, Recorder } from "./recorder.ts";

test("many senders at once, with lines that break: one order for all readers, and each sender's own order in it", async () => {
  const { server, proxy } = await startBehindProxy();
  const senders = range(1, 8).map((n) => connect(n % 2 ? proxy.port : server.port, `sender${n}`, impatient));
  const readers = [server.port, proxy.port, server.port].map(
    (port, n) => new Recorder(connect(port, `reader${n}`, impatient).join("numbers/a", { history: 1000 })),
  );
  const rooms = senders.map((sender) => sender.join("numbers/a"));
  const sent = Promise.all(rooms.flatMap((room) => range(1, 100).map((n) => room.publish("number", { n }))));
  for (const count of [100, 300, 500]) {
    await readers[0]?.count(count);
    proxy.cut();
  }
  await sent;
  await Promise.all(readers.map((reader) => reader.count(800)));
  const [first, ...others] = readers as [Recorder, ...Recorder[]];
  for (const other of others) {
    expect(other.messages.map(({ id }) => id)).toEqual(first.messages.map(({ id }) => id));
  }
  for (const n of range(1, 8)) expect(first.numbersFrom(`sender${n}`)).toEqual(range(1, 100));
  expect(first.messages.map(({ position }) => position.offset)).toEqual(range(1, 800));
});

test("an asynchronous handler does not let later publishes of a sender overtake earlier ones", async () => {
  const { server } = await startBehindProxy();
  server.server.room("numbers/:room", {
    on: {
      // The first ones take the longest.
      number: async ({ payload }) => {
        await new Promise((resolve) => setTimeout(resolve, 10 - payload.n));
      },
    },
  });
  const room = connect(server.port, "ann").join("numbers/a");
  const seen = new Recorder(room);
  await Promise.all(range(1, 10).map((n) => room.publish("number", { n })));
  await seen.count(10);
  expect(seen.numbers).toEqual(range(1, 10));
});

test("a fresh reader gets the asked-for history first, and what is published meanwhile after it, without a seam", async () => {
  const { server } = await startBehindProxy();
  for (const n of range(1, 600)) await server.server.publish("numbers/a", "number", { n });
  const late = connect(server.port, "late");
  await opened(late);
  const seen = new Recorder(late.join("numbers/a", { history: 400 }));
  for (const n of range(601, 700)) await server.server.publish("numbers/a", "number", { n });
  await seen.until(() => seen.numbers.at(-1) === 700);
  expect(seen.numbers).toEqual(range(700 - seen.numbers.length + 1, 700));
  expect(seen.numbers.length).toBeGreaterThanOrEqual(400);
});

test("a reader that kept its position reads on from it in a new process", async () => {
  const { server } = await startBehindProxy();
  const first = connect(server.port, "ann");
  const room = first.join("numbers/a");
  const before = new Recorder(room);
  await room.joined();
  for (const n of range(1, 5)) await server.server.publish("numbers/a", "number", { n });
  await before.count(5);
  const { position } = room;
  first.close();
  for (const n of range(6, 9)) await server.server.publish("numbers/a", "number", { n });
  const after = new Recorder(connect(server.port, "ann").join("numbers/a", position ? { position } : {}));
  await after.count(4);
  expect(after.numbers).toEqual(range(6, 9));
  expect(after.gaps).toEqual([]);
});
