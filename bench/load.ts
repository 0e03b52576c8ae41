/** The load generator process of one measurement: `load.js <task as JSON>`. Sends its parent the sample, and ends. */
import { connectionStorm, idleMemory } from "./load/connection-load.ts";
import { cluster, echo, fanOut } from "./load/message-load.ts";
import type { LoadTask, Sample } from "./load/task.ts";

const { work, ...rest } = JSON.parse(process.argv[2] ?? "") as LoadTask;

function run(): Promise<Sample> {
  switch (work.kind) {
    case "fan-out":
      return fanOut({ ...rest, work });
    case "echo":
      return echo({ ...rest, work });
    case "cluster":
      return cluster({ ...rest, work });
    case "idle-memory":
      return idleMemory({ ...rest, work });
    case "connection-storm":
      return connectionStorm({ ...rest, work });
  }
}

process.on("disconnect", () => process.exit(0));

const sample = await run();
process.send?.(sample, () => process.exit(0));
