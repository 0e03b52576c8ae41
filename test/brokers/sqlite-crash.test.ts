import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connect, impatient } from "../guarantees/clients.ts";
import { range, Recorder } from "../guarantees/recorder.ts";
import { startNodeProcess } from "../support/node-process.ts";

const last = 1500;
const kills = 4;
/** Publishes on their way at a time. */
const underWay = 60;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "bowline-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test("a server killed with SIGKILL mid-burst and started again loses nothing, repeats nothing and announces no gap", async () => {
  const file = join(folder(), "numbers.db");
  let server = await startNodeProcess("sqlite", file);
  const { port } = server;
  const reader = connect(port, "reader", impatient);
  const room = reader.join("numbers/burst");
  const seen = new Recorder(room);
  await room.joined();

  const writer = connect(port, "writer", impatient);
  const own = writer.join("numbers/burst");
  const heard = new Recorder(own);
  await own.joined();
  let next = 0;
  const offsets: number[] = [];
  const publishOn = async (): Promise<void> => {
    while (next < last) {
      next += 1;
      const n = next;
      const { offset } = await own.publish("number", { n });
      offsets[n - 1] = offset;
    }
  };
  const published = Promise.all(range(1, underWay).map(publishOn));

  for (const kill of range(1, kills)) {
    await seen.count((kill * last) / (kills + 1));
    await server.kill();
    server = await startNodeProcess("sqlite", file, port);
  }
  await published;
  await seen.count(last);
  await heard.count(last);

  expect(offsets).toEqual(range(1, last));
  expect(seen.numbers).toEqual(range(1, last));
  expect(heard.numbers).toEqual(range(1, last));
  expect([...seen.gaps, ...heard.gaps]).toEqual([]);
  const late = new Recorder(connect(port, "late").join("numbers/burst", { history: 1000 }));
  await late.count(1000);
  expect(late.numbers).toEqual(range(last - 999, last));
}, 60_000);

test("a client that comes back after the server was killed and started again gets what it missed", async () => {
  const file = join(folder(), "numbers.db");
  const first = await startNodeProcess("sqlite", file);
  const reader = connect(first.port, "reader", impatient);
  const room = reader.join("numbers/a");
  const seen = new Recorder(room);
  const writer = connect(first.port, "writer", impatient);
  const own = writer.join("numbers/a");
  await room.joined();
  await own.publish("number", { n: 1 });
  await seen.count(1);
  reader.close();
  await own.publish("number", { n: 2 });
  expect(await writer.request("increment", { by: 5 })).toBe(5);
  await first.kill();
  const waiting = own.publish("number", { n: 3 });
  await startNodeProcess("sqlite", file, first.port);
  expect(await waiting).toEqual({ offset: 3, epoch: room.position?.epoch });
  const back = new Recorder(connect(first.port, "reader").join("numbers/a", { history: 10 }));
  await back.count(3);
  expect(back.numbers).toEqual([1, 2, 3]);
}, 30_000);
