import { expect, test } from "vitest";
import { encodeFrame } from "../../src/protocol/encode.ts";

test("a frame is the JSON of its fields", () => {
  expect(encodeFrame({ type: "leave", room: 'a"b' })).toBe('{"type":"leave","room":"a\\"b"}');
});
