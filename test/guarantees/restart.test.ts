import { expect, onTestFinished, test } from "vitest";
import { connect, impatient, lost, opened, startBehindProxy, statusOf } from "./clients.ts";
import { startNumbersServer, type NumbersServer } from "./numbers-server.ts";
import { range, Recorder } from "./recorder.ts";

async function start(port = 0): Promise<NumbersServer> {
  const server = await startNumbersServer({ port });
  onTestFinished(() => server.close());
  return server;
}

test("a restarted server has new logs: readers are told of a gap, then get all of the new log", async () => {
  const first = await start();
  const reader = connect(first.port, "reader");
  const room = reader.join("numbers/a");
  const seen = new Recorder(room);
  await room.joined();
  for (const n of range(1, 3)) await first.server.publish("numbers/a", "number", { n });
  await seen.count(3);
  await first.close();
  await lost(reader);
  const second = await start(first.port);
  for (const n of range(4, 6)) await second.server.publish("numbers/a", "number", { n });
  await seen.count(6);
  expect(seen.numbers).toEqual(range(1, 6));
  expect(seen.gaps).toEqual([{ reason: "epoch", position: { offset: 0, epoch: room.position?.epoch } }]);
});

test("what was queued goes to the restarted server; what was under way is reported as uncertain, not repeated", async () => {
  const first = await start();
  const writer = connect(first.port, "writer");
  await opened(writer);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  first.server.room("numbers/:room", { on: { number: async () => held } });
  const underWay = writer.join("numbers/a").publish("number", { n: 1 });
  const refused = expect(underWay).rejects.toMatchObject({ code: "UNCERTAIN" });
  await statusOf(writer, () => writer.pending[0]?.fate === "sent");
  await first.close();
  await lost(writer);
  const queued = writer.join("numbers/a").publish("number", { n: 2 });
  const second = await start(first.port);
  await refused;
  expect(await queued).toMatchObject({ offset: 1 });
  const seen = new Recorder(connect(second.port, "reader").join("numbers/a", { history: 10 }));
  await seen.count(1);
  expect(seen.numbers).toEqual([2]);
  release();
});

test("a welcome that is lost does not make a restarted server's ledgers look like the old ones", async () => {
  const { server: first, proxy } = await startBehindProxy();
  const writer = connect(proxy.port, "writer", impatient);
  const room = writer.join("numbers/a");
  await room.publish("number", { n: 1 });
  // The answer to this one is lost together with the server.
  proxy.freeze("toClient");
  const underWay = room.publish("number", { n: 2 });
  const uncertain = expect(underWay).rejects.toMatchObject({ code: "UNCERTAIN" });
  const reader = new Recorder(connect(first.port, "reader").join("numbers/a", { history: 10 }));
  await reader.count(2);
  await first.close();
  const second = await start(first.port);
  // The hello gets through and opens the session at the new server; the welcome does not come back.
  proxy.cut();
  proxy.freeze("toClient");
  while (second.server.stats().connections < 1) await new Promise((resolve) => setImmediate(resolve));
  await statusOf(writer, ({ state }) => state === "connecting");
  proxy.cut();
  await uncertain;
  expect(await room.publish("number", { n: 3 })).toMatchObject({ offset: 1 });
});

test("a drained server sends its clients away one by one, and they come back to the next one with nothing lost", async () => {
  const first = await start();
  const clients = range(1, 10).map((n) => connect(first.port, `user${n}`));
  await Promise.all(clients.map(opened));
  const drained = first.server.drain({ spreadMs: 200, deadlineMs: 5000 });
  const positions = clients.map((client, n) => client.join("numbers/a").publish("number", { n }));
  await drained;
  const second = await start(first.port);
  const settled = await Promise.allSettled(positions);
  for (const result of settled) {
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "UNCERTAIN" });
  }
  await Promise.all(clients.map(opened));
  expect(second.server.stats().connections).toBe(10);
});
