/** The cluster as processes: what it prints when its broker is away, and what it leaves behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isListening } from "./ports.ts";

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  printed(): string;
}

function run(script: string, env: Readonly<Record<string, string>>): Running {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=bowline-source", path], {
    env: { ...process.env, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return { child, ended: once(child, "close"), printed: () => output };
}

test("a node that can't reach its broker says so in one line", async () => {
  // Nothing listens on the first of all ports.
  const node = run("node.ts", { REDIS_URL: "redis://127.0.0.1:1" });
  await node.ended;
  expect(node.child.exitCode).toBe(1);
  expect(node.printed()).toMatch(/^redis broker: .*ECONNREFUSED.*\n$/);
});

test.skipIf(!process.env["SERVICE_REDIS_SERVER"])(
  "a cluster that is told to end leaves neither processes nor files, even while Redis is frozen",
  // Five processes, one after the other.
  { timeout: 30_000 },
  async ({ onTestFinished }) => {
    const cluster = run("cluster.ts", { PORT: "0", REDIS_URL: "" });
    onTestFinished(() => void cluster.child.kill("SIGINT"));
    const early = cluster.ended.then(() => expect.fail(cluster.printed()));
    while (!cluster.printed().includes("What is killed"))
      await Promise.race([once(cluster.child.stdout!, "data"), early]);
    early.catch(() => {});
    const printed = cluster.printed();
    process.kill(Number(/freeze Redis: +kill -STOP (\d+)/.exec(printed)?.[1]), "SIGSTOP");
    cluster.child.kill("SIGINT");
    // The nodes hold the same pipe: it closes when the last of them is gone.
    await cluster.ended;
    expect(cluster.printed()).toBe(printed);
    expect(cluster.child.exitCode).toBe(0);
    expect(existsSync(/log in (\S+)/.exec(printed)?.[1] ?? ".")).toBe(false);
    expect(await isListening(Number(/redis:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1]))).toBe(false);
  },
);
