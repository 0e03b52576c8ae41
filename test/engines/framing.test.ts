import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { AsciiFrame, nodeFraming } from "../../src/engines/node/framing.ts";
import type { Batch } from "../../src/server/engine.ts";

/** Reads frames back as RFC 6455, section 5.2, lays them out. */
function unframe(batch: Batch): string[] {
  const bytes = batch instanceof AsciiFrame ? Buffer.from(batch.bytes, "latin1") : (batch as Buffer);
  expect(batch.byteLength).toBe(bytes.length);
  const messages: string[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at]).toBe(0x81);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    messages.push(bytes.toString("utf8", at, at + length));
    at += length;
  }
  return messages;
}

const lengths = [0, 1, 125, 126, 255, 256, 4096, 4097, 65_535, 65_536];

describe("the framing for Node", () => {
  it.each(lengths)("frames one ASCII message of %i bytes", (length) => {
    const message = "a".repeat(length);
    expect(unframe(nodeFraming.pack([message]))).toEqual([message]);
  });

  it.each(lengths)("frames a message of %i characters of two bytes", (length) => {
    const message = "é".repeat(length);
    expect(unframe(nodeFraming.pack([message]))).toEqual([message]);
  });

  it("packs messages of all kinds into one write", () => {
    const messages = lengths.flatMap((length) => ["a".repeat(length), "€".repeat(length)]);
    expect(unframe(nodeFraming.pack(messages))).toEqual(messages);
  });

  it("joins batches of all kinds", () => {
    const batches = [["ascii"], ["ünï"], ["two", "more"]];
    const joined = nodeFraming.join(batches.map((messages) => nodeFraming.pack(messages)));
    expect(unframe(joined)).toEqual(batches.flat());
  });
});
