import { expect, test } from "vitest";
import { utf8Length } from "../../src/base/utf8.ts";

test.each([
  "",
  "plain",
  "ü",
  "€uro",
  "🪢",
  "a🪢b🪢",
  "\ud83d",
  "\ude22",
  "\ud83d\ud83d",
  "\ude22\ud83d",
  "\u07ff\u0800\uffff",
])("counts %j as it is written", (text) => {
  expect(utf8Length(text)).toBe(Buffer.byteLength(text));
});
