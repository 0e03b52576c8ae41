/** A broker in a process of its own, driven by lines: here the Redis broker of this project, as any other language's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sourceCommand } from "../../faults/contenders/contender.ts";
import { failureText } from "../../src/conformance/report.ts";
import { adapterBench, tryAdapter } from "../../src/testing/conformance/adapter-bench.ts";
import { runScripts } from "../../src/testing/conformance/broker-suite.ts";
import { loadScripts } from "../../src/testing/conformance/load-scripts.ts";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const leaseMs = 1500;
/** One or two of each topic: the rest says nothing more of the lines. */
const ids = [
  "append/calls-at-once",
  "read/later-node",
  "bound/bytes",
  "ledger/repeat",
  "delivery/signals",
  "data/odd-name-zero",
  "data/one-mebibyte",
  "session/told",
  "request/answered",
  "presence/changes",
  "cluster/tell-one",
  "cluster/crash-members",
  "outage/rejects",
  "outage/subscription",
];

describe.skipIf(!redisPath)("an adapter over Redis", () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server?.stop());

  test("passes the scripts", async () => {
    const command = {
      command: sourceCommand("conformance/broker-adapter.ts"),
      config: { broker: { redis: server.url, prefix: "adapter" }, leaseMs },
    };
    const bench = adapterBench(command, {
      leaseMs,
      stopService: () => server.kill(),
      startService: (how) => server.restart(how),
    });
    const scripts = loadScripts().filter(({ id }) => ids.includes(id));
    const failures: string[] = [];
    try {
      const results = await runScripts({ bench, scripts, onResult: (it) => failures.push(failureText(it)) });
      expect(failures.filter((text) => text !== "")).toEqual([]);
      expect(results.map(({ outcome }) => outcome)).toEqual(ids.map(() => "passed"));
    } finally {
      await bench.close();
    }
  }, 120_000);
});

test.each([
  ["ends at once", "exit 3", "ended with 3"],
  ["does not exist", "no-such-adapter", "ended with 127"],
  ["prints no JSON", "echo hello; cat", 'printed "hello": it is no JSON object'],
  ["answers what nobody asked", `echo '{"id":7}'; cat`, "it is neither the answer of a call nor a line"],
  ["tells a sink nonsense", `echo '{"sink":"entry","room":1}'; cat`, '"room" must be a string'],
  ["answers with nothing", `read line; echo '{"id":1}'; cat`, 'an answer has "answer", or "error"'],
  ["does not answer", "cat > /dev/null", "the start of an adapter hangs: no answer in 500 ms"],
])("a command that %s is said", async (_what, command, problem) => {
  const bench = adapterBench({ command, config: {} }, {});
  await expect(tryAdapter(bench, 500)).rejects.toThrow(problem);
});
