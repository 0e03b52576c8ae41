import { describe, expect, test } from "vitest";
import { Flusher } from "../../src/server/flusher.ts";
import { Outbox } from "../../src/server/outbox.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import { textFormat } from "../support/formats.ts";
import { textFraming } from "../../src/testing/framing.ts";

const slowBytes = 1000;

function bench() {
  const clock = new FakeClock();
  const flusher = new Flusher(clock, () => {});
  const socket = new FakeSocket();
  const drains: number[] = [];
  const drained = { drained: () => drains.push(outbox.waitingBytes()) };
  const outbox = new Outbox({ clock, flusher, slowBytes }, socket, textFormat, drained);
  const batch = (...messages: string[]) => outbox.sendBatch(textFraming.pack(messages));
  return { clock, socket, outbox, batch, drains };
}

describe("an outbox", () => {
  test("writes all that came in one turn with one write, in its order", async () => {
    const { clock, socket, outbox, batch } = bench();
    outbox.send("a");
    batch("b", "c");
    outbox.send("d");
    outbox.send("e");
    batch("f");
    await clock.settle();
    expect(socket.writes).toEqual([["a", "b", "c", "d", "e", "f"]]);
  });

  test("hands on a batch that is all there is as it is", async () => {
    const { clock, socket, outbox } = bench();
    const shared = textFraming.pack(["a"]);
    outbox.sendBatch(shared);
    await clock.settle();
    expect(socket.writes[0]).toBe((shared as unknown as { messages: string[] }).messages);
  });

  test("keeps the order where a batch comes first", async () => {
    const { clock, socket, outbox, batch } = bench();
    batch("a");
    batch("b");
    outbox.send("c");
    await clock.settle();
    expect(socket.messages).toEqual(["a", "b", "c"]);
  });

  test("writes in each turn what came in it", async () => {
    const { clock, socket, outbox } = bench();
    outbox.send("a");
    await clock.settle();
    outbox.send("b");
    await clock.settle();
    expect(socket.writes).toEqual([["a"], ["b"]]);
  });

  test("writes nothing where nothing came", async () => {
    const { clock, socket, outbox } = bench();
    outbox.flush(1);
    await clock.settle();
    expect(socket.writes).toEqual([]);
  });

  test("counts what waits in it and in its socket", async () => {
    const { clock, socket, outbox, batch } = bench();
    socket.buffered = 100;
    outbox.send("abc");
    batch("defgh");
    // Three units of text, and five in a frame of four bytes more.
    expect(outbox.waitingBytes()).toBe(112);
    await clock.settle();
    expect(outbox.waitingBytes()).toBe(100);
  });

  test("flushed by hand writes at once, and not a second time", async () => {
    const { clock, socket, outbox } = bench();
    outbox.send("a");
    outbox.flush(77);
    expect(socket.messages).toEqual(["a"]);
    expect(outbox.sentMs).toBe(77);
    await clock.settle();
    expect(socket.messages).toEqual(["a"]);
  });

  test("knows when it last wrote", async () => {
    const { clock, outbox } = bench();
    await clock.advance(500);
    expect(outbox.sentMs).toBe(5000);
    outbox.send("a");
    await clock.settle();
    expect(outbox.sentMs).toBe(5500);
  });
});

describe("an outbox that is full", () => {
  test("is so from the first byte over the bound", () => {
    const { outbox, socket } = bench();
    socket.buffered = slowBytes - 1;
    outbox.send("x");
    expect(outbox.isFull()).toBe(false);
    outbox.send("x");
    expect(outbox.isFull()).toBe(true);
  });

  test("tells whoever was turned away when the system took it all at once", async () => {
    const { clock, outbox, drains } = bench();
    outbox.send("x".repeat(slowBytes + 1));
    outbox.isFull();
    await clock.settle();
    expect(drains).toEqual([0]);
  });

  test("waits for the socket where that is still full", async () => {
    const { clock, outbox, socket, drains } = bench();
    socket.buffered = slowBytes + 1;
    outbox.send("x");
    outbox.isFull();
    await clock.settle();
    expect(drains).toEqual([]);
    socket.buffered = slowBytes;
    outbox.checkDrained();
    expect(drains).toEqual([slowBytes]);
  });

  test("that nobody was turned away from tells nobody", async () => {
    const { clock, outbox, drains } = bench();
    outbox.send("x".repeat(slowBytes + 1));
    await clock.settle();
    expect(drains).toEqual([]);
  });
});
