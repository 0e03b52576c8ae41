import { expect, test } from "vitest";
import { conformance } from "../../src/conformance/command.ts";
import { bundled } from "../support/bundled.ts";
import { redisPath, RedisServer } from "../support/redis-server.ts";

/** Runs the whole suite; gives which cases failed, and how. */
async function failures(broker: unknown): Promise<string[]> {
  const noted: string[] = [];
  const printed: string[] = [];
  const command = await bundled("conformance/server.ts");
  const code = await conformance(["--cmd", command, "--broker", JSON.stringify(broker)], {
    print: (text) => printed.push(text),
    note: (text) => noted.push(text),
  });
  const failed = noted.filter((text) => text.startsWith("FAILED"));
  if (code === 2) return [...noted, ...printed];
  return failed;
}

test("the server of this project passes every case, with all in memory", async () => {
  expect(await failures("memory")).toEqual([]);
}, 120_000);

test.skipIf(!redisPath)(
  "and with Redis",
  async () => {
    const redis = await RedisServer.start();
    try {
      expect(await failures({ redis: redis.url })).toEqual([]);
    } finally {
      await redis.stop();
    }
  },
  120_000,
);
