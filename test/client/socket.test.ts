import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { systemTransport } from "../../src/client/socket.ts";

class NoSocket {
  readonly onopen = null;
  readonly onmessage = null;
  readonly onclose = null;
  readonly onerror = null;
  send(): void {}
  close(): void {}
}

let server: Server | null = null;
afterEach(() => server?.close());

/** What a client makes of an answer to its question why. */
async function askAt(status: number, body: string, headers: Record<string, string> = {}) {
  const listening = createServer((_request, response) => response.writeHead(status, headers).end(body));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  return systemTransport(NoSocket).ask(`ws://127.0.0.1:${port}/bowline`, null);
}

describe("asking why an upgrade was refused", () => {
  test("gives the server's own words", async () => {
    expect(await askAt(503, '{"code":"DRAINING","message":"later"}', { "retry-after": "5" })).toEqual({
      status: 503,
      code: "DRAINING",
      message: "later",
      retryAfterMs: 5000,
    });
  });

  test.each([401, 403, 404, 429, 500, 503, 200])(
    "gives the status and the wait where a proxy answers %i with a page of its own",
    async (status) => {
      expect(await askAt(status, "<html>no</html>", { "retry-after": "60" })).toEqual({
        status,
        code: `HTTP_${status}`,
        message: expect.stringContaining(`the server answered ${status}, and is no Bowline`) as string,
        retryAfterMs: 60_000,
      });
    },
  );

  test.each([
    ["3600", 3_600_000],
    ["3601", 3_600_000],
    ["-5", 0],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 0],
  ])("takes a Retry-After of %s for %i ms", async (header, retryAfterMs) => {
    expect(await askAt(503, "{}", { "retry-after": header })).toMatchObject({ retryAfterMs });
  });

  test("gives the server's words also where it refuses nothing: then the handshake did not get to it", async () => {
    expect(await askAt(426, '{"code":"UPGRADE_REQUIRED","message":"a proxy must"}')).toMatchObject({
      status: 426,
      message: "a proxy must",
    });
  });

  test("gives nothing where nobody answers", async () => {
    expect(await systemTransport(NoSocket).ask("ws://127.0.0.1:1/bowline", null)).toBeNull();
  });
});
