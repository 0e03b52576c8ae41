import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type ProcessBroker = "sqlite" | "redis" | "nats";

/** A server of the numbers contract in a process of its own. */
export interface NodeProcess {
  readonly port: number;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  /** Has it end in order. */
  close(): Promise<void>;
}

/** Starts one; `port` 0 is a free one. It is killed when the test is over. */
export async function startNodeProcess(
  broker: ProcessBroker,
  address: string,
  port = 0,
): Promise<NodeProcess> {
  const script = fileURLToPath(new URL("node-server.ts", import.meta.url));
  const flags = ["--import", "tsx", "--conditions=bowline-source"];
  const child = spawn(process.execPath, [...flags, script, broker, address, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  onTestFinished(() => end("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { port: Number(line), kill: () => end("SIGKILL"), close: () => end("SIGTERM") };
}
