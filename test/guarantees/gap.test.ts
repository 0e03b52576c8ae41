import { expect, test } from "vitest";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { connect, impatient, lost, startBehindProxy } from "./clients.ts";
import type { NumbersServer } from "./numbers-server.ts";
import { range, Recorder } from "./recorder.ts";

/** A reader of the short room that was given number 1, then cut off, and can't come back yet. */
async function cutOffReader(
  history: number,
): Promise<{ server: NumbersServer; proxy: FaultProxy; seen: Recorder }> {
  const { server, proxy } = await startBehindProxy();
  const reader = connect(proxy.port, "reader", impatient);
  const room = reader.join("short/a", { history });
  const seen = new Recorder(room);
  await room.joined();
  await server.server.publish("short/a", "number", { n: 1 });
  await seen.count(1);
  proxy.refuse(true);
  proxy.cut();
  await lost(reader);
  return { server, proxy, seen };
}

test("a reader that missed more than the history holds is told, and reads on from the end", async () => {
  const { server, proxy, seen } = await cutOffReader(0);
  for (const n of range(2, 30)) await server.server.publish("short/a", "number", { n });
  proxy.refuse(false);
  await seen.until(() => seen.gaps.length > 0);
  await server.server.publish("short/a", "number", { n: 31 });
  await seen.count(2);
  expect(seen.gaps).toMatchObject([{ reason: "trimmed", position: { offset: 30 } }]);
  expect(seen.numbers).toEqual([1, 31]);
});

test("a reader that missed just what the history holds is told of no gap", async () => {
  const { server, proxy, seen } = await cutOffReader(0);
  for (const n of range(2, 11)) await server.server.publish("short/a", "number", { n });
  proxy.refuse(false);
  await seen.count(11);
  expect(seen.numbers).toEqual(range(1, 11));
  expect(seen.gaps).toEqual([]);
});

test("after a gap a reader that asked for history gets as much of it as a fresh one", async () => {
  const { server, proxy, seen } = await cutOffReader(4);
  for (const n of range(2, 30)) await server.server.publish("short/a", "number", { n });
  proxy.refuse(false);
  await seen.count(5);
  expect(seen.numbers).toEqual([1, ...range(27, 30)]);
  expect(seen.gaps).toHaveLength(1);
});

test("a reader that stops reading costs the server no memory, is passed over, and is served later from the log", async () => {
  const { server, proxy } = await startBehindProxy();
  const stalled = connect(proxy.port, "stalled", impatient);
  const room = stalled.join("numbers/a");
  const seen = new Recorder(room);
  await room.joined();
  const briskRoom = connect(server.port, "brisk").join("numbers/a");
  const brisk = new Recorder(briskRoom);
  await briskRoom.joined();
  proxy.freeze("toClient");
  const { heapUsed } = process.memoryUsage();
  for (const n of range(1, 4000)) await server.server.publish("numbers/a", "number", { n });
  await brisk.count(4000);
  // The log itself holds about a megabyte; a queue per reader would hold the frames besides.
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(64 * 1024 * 1024);
  proxy.thaw("toClient");
  await seen.count(4000);
  expect(seen.numbers).toEqual(range(1, 4000));
  expect(seen.gaps).toEqual([]);
  expect(stalled.status.state).toBe("open");
});

test("a stalled reader that the log has left behind is told of the gap when it reads again", async () => {
  const { server, proxy } = await startBehindProxy();
  const stalled = connect(proxy.port, "stalled", impatient);
  const room = stalled.join("short/a");
  const seen = new Recorder(room);
  await room.joined();
  proxy.freeze("toClient");
  // More than the sockets of the line hold between them.
  const pad = { n: 0, pad: "x".repeat(1000) };
  for (const n of range(1, 20_000)) await server.server.publish("short/a", "number", { ...pad, n });
  proxy.thaw("toClient");
  await seen.until(() => seen.gaps.length > 0);
  await server.server.publish("short/a", "number", { n: 20_001 });
  await seen.until(() => seen.numbers.at(-1) === 20_001);
  expect(seen.gaps).toMatchObject([{ reason: "trimmed" }]);
  const { position } = seen.gaps[0] ?? {};
  const before = seen.messages.filter((message) => message.position.offset <= (position?.offset ?? 0));
  expect(before.map(({ payload }) => payload.n)).toEqual(range(1, before.length));
});
