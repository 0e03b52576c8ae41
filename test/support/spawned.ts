import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A program that runs in a process of its own. */
export interface Spawned {
  readonly lines: string[];
  /** The exit code and the signal of its end. */
  readonly exited: Promise<unknown[]>;
  readonly printed: (count: number) => Promise<void>;
  /** Sends a signal to the server's process. */
  readonly signal: (signal?: NodeJS.Signals) => void;
}

/** Options of {@link spawnScript}. */
export interface SpawnOptions {
  /** Whether it is to be the first process of a container. */
  readonly isFirst?: boolean;
  readonly args?: readonly string[];
}

/** Runs a script from source, until the test is over at the latest. */
export function spawnScript(script: URL, { args = [], isFirst }: SpawnOptions = {}): Spawned {
  const path = fileURLToPath(script);
  const node = [process.execPath, "--import", "tsx", "--conditions=bowline-source", path, ...args];
  const [command = "", ...rest] = isFirst ? [...container, ...node] : node;
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const target = (): number => (isFirst ? childOf(child.pid as number) : (child.pid as number));
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const output = createInterface(child.stdout);
  output.on("line", (line) => lines.push(line));
  const printed = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (lines.length >= count && resolve());
      output.on("line", look);
      look();
    });
  const signal = (name: NodeJS.Signals = "SIGTERM"): void => void process.kill(target(), name);
  return { exited: once(child, "exit"), lines, printed, signal };
}

/** Makes a process the first one of a namespace of its own; ends when that ends. */
export const container: readonly string[] = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"];

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
}
