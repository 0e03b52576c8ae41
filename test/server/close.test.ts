import { expect, test } from "vitest";
import type { Random } from "../../src/base/random.ts";
import { contract } from "../../src/contract/contract.ts";
import { Pair } from "../support/pair.ts";

/** Chance that is spread evenly, and the same each time. */
function even(pair: { readonly random: Random }): void {
  let at = 0;
  pair.random.float = () => (at = (at + 0.618) % 1);
}

test("after close() clients come back each at a moment of its own, and are told no other", async () => {
  const pair = await new Pair(contract({})).start();
  even(pair);
  const clients = [];
  for (let index = 0; index < 200; index += 1) clients.push(await pair.openClient());
  const closed = pair.server.close();
  await pair.clock.advance(0);
  await closed;
  const now = pair.clock.now();
  const waits = clients.map(({ status }) => (status.state === "waiting" ? status.retryAt - now : -1));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
  const tenths = Array.from(
    { length: 10 },
    (_, at) => waits.filter((ms) => Math.floor(ms / 100) === at).length,
  );
  // 20 on average.
  expect(Math.max(...tenths)).toBeLessThan(50);
  expect(pair.links.flatMap(({ toClient }) => toClient).filter(({ type }) => type === "goaway")).toEqual([]);
  expect(new Set(pair.links.map(({ closedBy }) => closedBy?.code))).toEqual(new Set([1012]));
});

test("a drain tells each client a moment within its spread", async () => {
  const pair = await new Pair(contract({})).start();
  even(pair);
  for (let index = 0; index < 200; index += 1) await pair.openClient();
  const drained = pair.server.drain({ spreadMs: 5000, deadlineMs: 10_000 });
  await pair.clock.settle();
  const delays = pair.links.flatMap(({ toClient }) =>
    toClient.filter(({ type }) => type === "goaway").map((frame) => frame["delayMs"] as number),
  );
  expect(delays).toHaveLength(200);
  const tenths = Array.from(
    { length: 10 },
    (_, at) => delays.filter((ms) => Math.floor(ms / 500) === at).length,
  );
  expect(Math.max(...tenths)).toBeLessThan(50);
  await pair.clock.advance(20_000);
  await drained;
});
