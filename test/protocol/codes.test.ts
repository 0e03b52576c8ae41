import { describe, expect, test } from "vitest";
import { closeAction, closeCodes, errorCodes } from "../../src/protocol/codes.ts";

describe("close codes", () => {
  test.each(Object.entries(closeCodes))(
    "%s says what the client does by its range",
    (_name, { code, action }) => {
      expect(closeAction(code)).toBe(action);
    },
  );

  test("no two names share a code", () => {
    const codes = Object.values(closeCodes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test.each([
    [1000, "reconnect"],
    [1001, "reconnect"],
    [1002, "stop"],
    [1003, "stop"],
    [1005, "reconnect"],
    [1006, "reconnect"],
    [1007, "stop"],
    [1008, "reconnect"],
    [1009, "stop"],
    [1010, "reconnect"],
    [1013, "reconnect"],
    [3000, "reconnect"],
    [4399, "reconnect"],
    [4400, "stop"],
    [4401, "token"],
    [4402, "stop"],
    [4499, "stop"],
    [4500, "reconnect"],
    [4999, "reconnect"],
  ])("an unknown code is treated by its range: %i means %s", (code, action) => {
    expect(closeAction(code)).toBe(action);
  });

  test.each(Object.entries(closeCodes))(
    "the text of %s fits a close reason with room to spare",
    (_name, { text }) => {
      expect(Buffer.byteLength(text)).toBeLessThan(80);
    },
  );
});

test("every error code has a text, and its name is upper case", () => {
  for (const [name, { text }] of Object.entries(errorCodes)) {
    expect(name).toMatch(/^[A-Z_]+$/);
    expect(text).not.toBe("");
  }
});
