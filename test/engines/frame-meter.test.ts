import { describe, expect, test } from "vitest";
import { FrameMeter } from "../../src/engines/node/frame-meter.ts";

/** A frame of a client: masked, with a payload of zeros. */
function frame(first: number, length: number): Buffer {
  const header =
    length < 126
      ? Buffer.from([first, 0x80 | length])
      : length < 65_536
        ? Buffer.from([first, 0xfe, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([first, 0xff]), u64(length)]);
  return Buffer.concat([header, Buffer.alloc(4 + length)]);
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const text = 0x81;
const begin = 0x01;
const middle = 0x00;
const last = 0x80;
const ping = 0x89;
const pong = 0x8a;

/** What stands after all of it was read, the bytes `size` at a time: frames, and the message that is open. */
function meter(frames: readonly Buffer[], size: number): { frames: number; message: number } {
  const it = new FrameMeter();
  const bytes = Buffer.concat(frames);
  let count = 0;
  for (let at = 0; at < bytes.length; at += size) {
    it.read(bytes.subarray(at, at + size), Infinity);
    count += it.frames;
  }
  return { frames: count, message: it.message };
}

describe.each([1, 2, 3, 7, 100_000])("a meter that is given %i bytes at a time", (size) => {
  test.each([
    ["messages of every length", [0, 1, 125, 126, 65_535, 65_536].map((length) => frame(text, length)), 6, 0],
    ["empty pongs", Array.from({ length: 50 }, () => frame(pong, 0)), 50, 0],
    ["pings between fragments", [frame(begin, 3), frame(ping, 5), frame(middle, 0), frame(pong, 0)], 4, 1],
    ["a message of fragments", [frame(begin, 3), frame(middle, 0), frame(last, 200)], 3, 0],
    ["a message that goes on", [frame(text, 1), frame(text, 5), frame(text, 300).subarray(0, 100)], 3, 3],
    ["no more than a first byte", [frame(text, 1), Buffer.from([text])], 2, 2],
    ["half a ping, which is no message", [frame(text, 1), frame(ping, 100).subarray(0, 20)], 2, 0],
    ["unmasked frames", [Buffer.from([text, 2, 0x81, 0x81]), Buffer.from([pong, 0])], 2, 0],
  ])("counts %s", (_what, frames, count, message) => {
    expect(meter(frames, size)).toEqual({ frames: count, message });
  });
});

test("a meter stops where one frame more begins than it may go through, and goes on there", () => {
  const bytes = Buffer.concat([frame(text, 300), frame(ping, 0), frame(begin, 3), frame(middle, 200)]);
  const it = new FrameMeter();
  const first = it.read(bytes, 2);
  expect([first, it.frames, it.message]).toEqual([frame(text, 300).length + frame(ping, 0).length, 2, 0]);
  expect(it.read(bytes.subarray(first), 0)).toBe(0);
  // In the middle of a frame, what is left of it is no other one.
  expect(it.read(bytes.subarray(first, -100), 2)).toBe(bytes.length - first - 100);
  expect([it.read(bytes.subarray(-100), 0), it.frames, it.message]).toEqual([100, 0, 2]);
});
