import { describe, expect, test } from "vitest";
import type { Codec } from "../../src/server/codec.ts";
import type { Framing } from "../../src/server/engine.ts";
import { jsonCodec } from "../../src/server/json-codec.ts";
import { SharedMessages } from "../../src/server/shared-messages.ts";
import { WireFormats } from "../../src/server/wire-formats.ts";
import { textFraming } from "../../src/testing/framing.ts";
import { binaryCodec, binarySubprotocol } from "../support/binary-codec.ts";

const otherFraming: Framing = { ...textFraming };
const formats = new WireFormats([binaryCodec]);
const json = formats.of(jsonCodec.subprotocol, textFraming);
const jsonElsewhere = formats.of(jsonCodec.subprotocol, otherFraming);
const binary = formats.of(binarySubprotocol, textFraming);

function bench(failing?: Codec) {
  const encoded: Codec[] = [];
  const errors: unknown[] = [];
  const encode = (codec: Codec): string[] => {
    encoded.push(codec);
    if (codec === failing) throw new Error("broken");
    return [codec.subprotocol];
  };
  const shared = new SharedMessages({ encode }, (error) => errors.push(error));
  return { shared, encoded, errors };
}

describe("what many connections are sent", () => {
  test("is not encoded until one asks for it", () => {
    expect(bench().encoded).toEqual([]);
  });

  test("is the same batch for all of one format, in whatever order they ask", () => {
    const { shared, encoded } = bench();
    const asked = [json, json, binary, json, jsonElsewhere, binary, json];
    const batches = asked.map((format) => shared.batch(format));
    expect(new Set(batches).size).toBe(3);
    for (const [index, format] of asked.entries())
      expect(batches[index]).toBe(batches[asked.indexOf(format)]);
    expect(encoded).toEqual([jsonCodec, binaryCodec]);
  });

  test("is nothing for those whose codec fails, which is told once, and the others have it", () => {
    const { shared, errors } = bench(binaryCodec);
    expect([shared.batch(binary), shared.batch(json), shared.batch(binary)]).toEqual([
      null,
      expect.objectContaining({ messages: [jsonCodec.subprotocol] }),
      null,
    ]);
    expect(errors).toEqual([new Error("broken")]);
  });
});

test("a pair of codec and framing has one format", () => {
  expect(formats.of(binarySubprotocol, textFraming)).toBe(binary);
  expect(binary).not.toBe(json);
  expect(jsonElsewhere).not.toBe(json);
});

test("an engine that selects what it was not told is told so", () => {
  expect(() => formats.of("chat.v2", textFraming)).toThrow('not "chat.v2"');
});
