import { once } from "node:events";
import { contract, request, type Schema } from "bowline";
import { serve } from "bowline/node";
import { createServer, type Limits } from "bowline/server";
import { expect, onTestFinished, test } from "vitest";
import { Turns } from "../../src/engines/node/turns.ts";
import { RawClient, frames } from "./raw-client.ts";

const any: Schema<unknown> = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

/** A server that notes what it is asked, and how much of that in one turn of the event loop at most. */
async function start(limits: Partial<Limits> = {}) {
  const asked: unknown[] = [];
  const seen = { asked, mostInTurn: 0 };
  let inTurn = 0;
  const note = request({ input: any, output: any, idempotent: true });
  const server = createServer(contract({ requests: { note } }), { limits });
  server.request("note", ({ payload }) => {
    asked.push(payload);
    if (inTurn === 0) setImmediate(() => (inTurn = 0));
    inTurn += 1;
    seen.mostInTurn = Math.max(seen.mostInTurn, inTurn);
    return null;
  });
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  onTestFinished(() => server.close());
  return { port, seen };
}

const ask = (payload: unknown, ref: number): Buffer =>
  frames.text(JSON.stringify({ type: "request", ref, request: "note", payload }));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test("what a client sends at once is handled a share a turn, in order, to the last frame before its end", async () => {
  const { port, seen } = await start();
  const client = await RawClient.open(port);
  const numbers = upTo(400);
  client.socket.end(Buffer.concat(numbers.map((number) => ask(number, number))));
  await once(client.socket, "close");
  expect(seen.asked).toEqual(numbers);
  // A share where the sockets are read, and another where what waited goes on.
  expect(seen.mostInTurn).toBeLessThanOrEqual(32);
});

test("large messages are handled a read a turn, in order, to the last before the end", async () => {
  const { port, seen } = await start();
  const client = await RawClient.open(port);
  const texts = upTo(30).map((number) => `${number}`.padEnd(60_000, "x"));
  client.socket.end(Buffer.concat(texts.map((text, index) => ask(text, index + 1))));
  await once(client.socket, "close");
  expect(seen.asked).toEqual(texts);
  expect(seen.mostInTurn).toBeLessThanOrEqual(4);
});

test("a client over its rate is held back in the middle of what it sent at once, and loses nothing", async () => {
  const { port, seen } = await start({ framesBurst: 20, framesPerSecond: 100 });
  const client = await RawClient.open(port);
  const numbers = upTo(50);
  client.socket.end(Buffer.concat(numbers.map((number) => ask(number, number))));
  await once(client.socket, "close");
  expect(seen.asked).toEqual(numbers);
});

test("a close frame behind a burst is answered when the burst was handled", async () => {
  const { port, seen } = await start();
  const client = await RawClient.open(port);
  const numbers = upTo(100);
  client.socket.write(
    Buffer.concat([...numbers.map((number) => ask(number, number)), Buffer.from("888203e803e80000", "hex")]),
  );
  expect(await client.closed()).toBe(1000);
  expect(seen.asked).toEqual(numbers);
});

test("who cuts the line has nothing handled any more that waits for its turn", async () => {
  const { port, seen } = await start();
  const client = await RawClient.open(port);
  const neighbour = await RawClient.open(port);
  client.socket.write(Buffer.concat(upTo(400).map((number) => ask(number, number))));
  client.socket.resetAndDestroy();
  neighbour.socket.end(ask("neighbour", 1));
  await once(neighbour.socket, "close");
  expect(seen.mostInTurn).toBeLessThanOrEqual(33);
});

test("a share is 16 frames or 64 KiB, and each socket has its own", async () => {
  const turns = new Turns();
  const wake: string[] = [];
  const one = { goOn: () => void wake.push("one") };
  const other = { goOn: () => void wake.push("other") };
  expect(turns.framesFor(one)).toBe(16);
  expect(turns.spend(10, 100)).toBe(true);
  expect(turns.framesFor(one)).toBe(6);
  expect(turns.spend(6, 100)).toBe(true);
  expect(turns.framesFor(one)).toBe(0);
  expect(turns.framesFor(other)).toBe(16);
  expect(turns.spend(1, 65_535)).toBe(true);
  expect(turns.framesFor(other)).toBe(15);
  expect(turns.spend(0, 1)).toBe(false);
  turns.wait(one);
  turns.wait(other);
  expect(wake).toEqual([]);
  await new Promise(setImmediate);
  expect(wake).toEqual(["one", "other"]);
  expect(turns.framesFor(other)).toBe(16);
});
