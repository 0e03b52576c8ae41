import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Attacker, Bystanders, Target } from "./attack.ts";

let target: Target;
beforeEach(async () => {
  // One that was ended must not fail the tests of other upgrades.
  if ((target as Target | undefined)?.end !== null) target = await Target.start();
});
afterAll(() => target.stop());

const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const protocol = "Sec-WebSocket-Protocol: bowline.v1.json";

function upgrade(path: string, ...headers: string[]): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
  ];
  return [...lines, key, ...headers, "", ""].join("\r\n");
}

/** An upgrade for each way to be refused, and one that is let in. */
const upgrades = {
  "of another path": upgrade("/elsewhere", protocol),
  "without the subprotocol": upgrade("/bowline"),
  "of nobody": upgrade("/bowline", protocol, "Authorization: Bearer nobody"),
  "of somebody banned, after a while": upgrade("/bowline", protocol, "Authorization: Bearer banned"),
  "of another origin": upgrade("/bowline", protocol, "Origin: https://evil.example"),
  "with a bad key": upgrade("/bowline", protocol).replace(key, "Sec-WebSocket-Key: x"),
  "that is let in": upgrade("/bowline", protocol, "Authorization: Bearer slow"),
} as const;

/** Serves whoever comes next, and has nobody left of those who came before. */
async function expectAlive(): Promise<void> {
  const next = await Attacker.open(target).catch(() => null);
  expect(target.end).toBeNull();
  await next?.hello();
  next?.terminate();
  expect((await target.statsOnce(({ connections }) => connections === 0)).connections).toBe(0);
}

describe("an upgrade that is cut off", () => {
  test.each(Object.entries(upgrades))("%s does not end the server", async (_which, text) => {
    for (const after of ["at once", "when answered"]) {
      for (let time = 0; time < 5; time += 1) {
        const socket = await target.tcp();
        socket.write(text);
        if (after === "when answered") await new Promise((resolve) => socket.once("data", resolve));
        socket.resetAndDestroy();
        await expectAlive();
      }
    }
  });

  test("half-way, or is no HTTP at all, does not end the server", async () => {
    const text = upgrade("/bowline", protocol);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.nat(text.length).map((length) => text.slice(0, length)),
          fc.string({ maxLength: 200 }),
          fc
            .tuple(fc.nat(text.length), fc.string({ maxLength: 5 }))
            .map(([at, put]) => text.slice(0, at) + put + text.slice(at)),
        ),
        fc.boolean(),
        async (given, resets) => {
          const socket = await target.tcp();
          socket.write(given);
          await target.ask("stats");
          if (resets) socket.resetAndDestroy();
          else socket.destroy();
          await expectAlive();
        },
      ),
      { numRuns: 100, endOnFailure: true },
    );
  });
});

test("a server that closes waits for nobody who says nothing", async () => {
  const silent = await Attacker.open(target);
  const bystanders = await Bystanders.join(target);
  await target.ask("close");
  expect(await silent.closed()).toBe(1012);
  bystanders.close();
});
