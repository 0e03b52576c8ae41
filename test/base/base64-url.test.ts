import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { base64Url } from "../../src/base/base64-url.ts";

test.each([0, 1, 2, 3, 16, 255, 1_000_000])("%i bytes are as the platform has them", (length) => {
  const bytes = randomBytes(length);
  expect(base64Url(bytes)).toBe(bytes.toString("base64url"));
});
