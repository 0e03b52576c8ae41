import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { sessionIdOf } from "../../src/protocol/session-id.ts";

test("a session's id is the first 16 bytes of its secret's SHA-256, in base64url", () => {
  expect(sessionIdOf("f0Yw2s8Xk1QeZr7Tt5Uu3Nn9")).toBe("NBEgpHYdQGo-5Hv6w6sH0Q");
  for (let count = 0; count < 100; count += 1) {
    const secret = randomBytes(18).toString("base64url");
    const digest = createHash("sha256").update(secret).digest();
    expect(sessionIdOf(secret)).toBe(digest.subarray(0, 16).toString("base64url"));
  }
});
