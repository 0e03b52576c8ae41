/** `npm run broker-conformance`: plays the scripts of spec/broker on adapters over a Redis. */
import { randomBytes } from "node:crypto";
import { startRedis } from "../faults/services/redis.ts";
import type { BrokerService } from "../faults/services/service.ts";
import { exitCodeOf, failureText, reportText } from "../src/conformance/report.ts";
import { adapterBench, tryAdapter } from "../src/testing/conformance/adapter-bench.ts";
import type { BrokerBench } from "../src/testing/conformance/bench.ts";
import { runScripts, scriptsLike } from "../src/testing/conformance/broker-suite.ts";
import { readOptions } from "./command-line.ts";

const options = readOptions(
  `npm run broker-conformance -- --cmd COMMAND [options]: spec/BROKER.md says what an adapter does
  --cmd COMMAND    starts an adapter (run by the shell); one process for each node
  --redis URL      the Redis to play on, which is not stopped: cases that need that are skipped.
                   Default: one of the command's own, which is stopped, started and emptied
  --only TEXT      scripts whose id contains this
  --start-ms N     how long an adapter may take to start its first node (20000)
  --list           names the scripts, and plays none

Ends with 0 when every MUST passed, with 1 when one failed, with 2 when the scripts could not be played.`,
  {
    cmd: { type: "string" },
    redis: { type: "string" },
    only: { type: "string" },
    "start-ms": { type: "string", default: "20000" },
    list: { type: "boolean", default: false },
  },
);

/** Short enough for a crash to be waited for, long enough for a busy machine. */
const leaseMs = 1500;
/** One script waits three times as long, another makes some hundred calls in it, each over two pipes. */
const sessionTtlMs = 6000;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`broker-conformance: ${(error as Error).message}`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const scripts = scriptsLike(options.only);
  if (options.list) {
    for (const { id, level, about } of scripts) console.log(`${id} (${level}): ${about}`);
    return 0;
  }
  const { cmd, redis } = options;
  if (!/^[1-9]\d*$/.test(options["start-ms"]))
    throw new Error(`--start-ms must be a whole number from 1, not ${options["start-ms"]}`);
  if (cmd === undefined) throw new Error("--cmd is needed: the command that starts an adapter");
  const service = redis === undefined ? await startRedis() : null;
  const bench = adapterBench(
    {
      command: cmd,
      config: {
        broker: {
          redis: redis ?? `redis://127.0.0.1:${service?.port}`,
          prefix: `bowline-${randomBytes(4).toString("hex")}`,
        },
        leaseMs,
        sessionTtlMs,
      },
    },
    { leaseMs, sessionTtlMs, ...(service && faultsOf(service)) },
  );
  try {
    await tryAdapter(bench, Number(options["start-ms"]));
    const results = await runScripts({
      bench,
      scripts,
      onResult: (result) => {
        if (result.outcome === "failed") console.error(failureText(result));
      },
    });
    console.log(reportText(results));
    return exitCodeOf(results);
  } finally {
    await bench.close();
    await service?.stop();
  }
}

function faultsOf(service: BrokerService): Pick<BrokerBench, "stopService" | "startService"> {
  let isUp = true;
  return {
    async stopService() {
      isUp = false;
      await service.kill();
    },
    async startService(how) {
      if (!isUp) await service.start(how);
      isUp = true;
    },
  };
}
