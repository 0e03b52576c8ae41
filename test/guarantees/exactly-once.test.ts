import { BowlineError } from "bowline";
import { expect, test } from "vitest";
import { connect, impatient, lost, opened, startBehindProxy, statusOf } from "./clients.ts";
import { range, Recorder } from "./recorder.ts";

test("a line cut again and again under a burst loses, repeats and reorders nothing, on either side", async () => {
  const { server, proxy } = await startBehindProxy();
  const writer = connect(proxy.port, "writer", impatient);
  const direct = new Recorder(connect(server.port, "direct").join("numbers/a"));
  const cut = new Recorder(connect(proxy.port, "cut", impatient).join("numbers/a", { history: 1000 }));
  const room = writer.join("numbers/a");
  const positions: Promise<{ offset: number }>[] = [];
  for (let burst = 0; burst < 15; burst++) {
    for (const n of range(burst * 40 + 1, burst * 40 + 40)) positions.push(room.publish("number", { n }));
    // Cut while the burst is under way: when some of it has gone through.
    await direct.count(burst * 40 + 10);
    proxy.cut();
    await lost(writer);
    await opened(writer);
  }
  await direct.count(600);
  await cut.count(600);
  expect(direct.numbers).toEqual(range(1, 600));
  expect(cut.numbers).toEqual(range(1, 600));
  expect((await Promise.all(positions)).map(({ offset }) => offset)).toEqual(range(1, 600));
});

test("a half-open line: the session is taken over by a new socket while the server still holds the old one", async () => {
  const { server, proxy } = await startBehindProxy();
  const reader = new Recorder(connect(server.port, "reader").join("numbers/a"));
  const writer = connect(proxy.port, "writer", impatient);
  const room = writer.join("numbers/a");
  const own = new Recorder(room);
  await room.joined();
  proxy.freeze();
  const positions = range(1, 50).map((n) => room.publish("number", { n }));
  // The client gives the line up; the server hears nothing of that, for nothing gets through.
  proxy.thawNew();
  expect(server.server.stats().connections).toBe(2);
  writer.reconnect();
  await opened(writer);
  await reader.count(50);
  await own.count(50);
  expect(reader.numbers).toEqual(range(1, 50));
  expect(own.numbers).toEqual(range(1, 50));
  expect((await Promise.all(positions)).map(({ offset }) => offset)).toEqual(range(1, 50));
  expect(server.server.stats().connections).toBe(2);
});

test("acks lost on the way: what is sent again gets its first position and is stored once", async () => {
  const { server, proxy } = await startBehindProxy();
  const reader = new Recorder(connect(server.port, "reader").join("numbers/a"));
  const writer = connect(proxy.port, "writer", impatient);
  await opened(writer);
  const room = writer.join("numbers/a");
  await room.joined();
  proxy.freeze("toClient");
  const positions = range(1, 30).map((n) => room.publish("number", { n }));
  await reader.count(30);
  proxy.cut();
  expect((await Promise.all(positions)).map(({ offset }) => offset)).toEqual(range(1, 30));
  await room.publish("number", { n: 31 });
  await reader.count(31);
  expect(reader.numbers).toEqual(range(1, 31));
});

test("a publish made offline waits, and the queue keeps its order", async () => {
  const { server, proxy } = await startBehindProxy();
  proxy.refuse(true);
  const writer = connect(proxy.port, "writer", impatient);
  const room = writer.join("numbers/a");
  const positions = range(1, 20).map((n) => room.publish("number", { n }));
  await statusOf(writer, ({ state }) => state === "waiting");
  expect(writer.pending.map(({ fate }) => fate)).toEqual(range(1, 20).map(() => "queued"));
  const reader = new Recorder(connect(server.port, "reader").join("numbers/a"));
  proxy.refuse(false);
  expect((await Promise.all(positions)).map(({ offset }) => offset)).toEqual(range(1, 20));
  await reader.count(20);
  expect(reader.numbers).toEqual(range(1, 20));
});

test("what is sent again outlasts no ledger: behind a slow handler, a client sends no more than the ledger holds", async () => {
  const { server, proxy } = await startBehindProxy();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let runs = 0;
  server.server.room("numbers/:room", {
    on: {
      number: async ({ payload }) => {
        if (payload.n !== 1) return;
        runs += 1;
        if (runs > 1) await held;
        throw new BowlineError("odd", "not this one");
      },
    },
  });
  const reader = new Recorder(connect(server.port, "reader").join("numbers/a", { history: 10 }));
  const writer = connect(proxy.port, "writer", impatient);
  await opened(writer);
  proxy.freeze("toClient");
  const refused = expect(writer.publish("numbers/a", "number", { n: 1 })).rejects.toMatchObject({
    code: "odd",
  });
  const stored = writer.publish("numbers/a", "number", { n: 2 });
  await reader.count(1);
  proxy.cut();
  await lost(writer);
  await opened(writer);
  // More than the ledger holds; what would not fit waits for the slow handler.
  const other = new Recorder(connect(server.port, "other").join("numbers/b", { history: 1000 }));
  const many = Promise.all(range(1001, 1400).map((n) => writer.publish("numbers/b", "number", { n })));
  await other.count(254);
  release();
  await many;
  await refused;
  expect(await stored).toMatchObject({ offset: 1 });
  expect(await writer.publish("numbers/a", "number", { n: 3 })).toMatchObject({ offset: 2 });
  await reader.count(2);
  expect(reader.numbers).toEqual([2, 3]);
});
