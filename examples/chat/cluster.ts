/**
 * The chat on three nodes: `npm run start:cluster`. Starts a Redis of its own, unless REDIS_URL names one, then the nodes,
 * and in front of them a balancer that gives each new connection to the next node. A node that dies is started again
 * after a while: kill one, and see the pages go on.
 */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { startFront } from "./front.ts";

const nodeCount = 3;
const comeBackMs = 10_000;
const script = fileURLToPath(new URL("node.ts", import.meta.url));

interface Node {
  readonly name: string;
  child: ChildProcess | null;
  port: number | null;
}

let isEnding = false;
let turn = 0;
/** What was started here, and ends with this process. */
const own: { redis: ChildProcess | null } = { redis: null };
const url = process.env["REDIS_URL"] ?? (await startRedis());
const nodes = Array.from({ length: nodeCount }, (_, index): Node => ({
  name: `node ${index + 1}`,
  child: null,
  port: null,
}));

// One after the other: the first one opens the rooms that are there from the start.
for (const node of nodes) await startNode(node);
const page = await startFront(nextNode);

console.log(`Bowline chat: ${page}, on ${nodeCount} nodes over ${withoutPassword(url)}`);
console.log("");
for (const { name, child } of nodes) console.log(`  kill ${name}:     kill -9 ${child?.pid}`);
if (own.redis) {
  console.log(`  freeze Redis:    kill -STOP ${own.redis.pid}`);
  console.log(`  and thaw it:     kill -CONT ${own.redis.pid}`);
}
console.log(`\nA node that was killed is back after ${comeBackMs / 1000} s. Nothing that was sent is lost.`);

process.once("SIGINT", () => void end()).once("SIGTERM", () => void end());

function nextNode(): { readonly host: string; readonly port: number } | null {
  const ports = nodes.flatMap(({ port }) => port ?? []);
  turn += 1;
  const port = ports[turn % ports.length];
  return port === undefined ? null : { host: "127.0.0.1", port };
}

/** Resolves when it listens; rejects when it ends before. */
async function startNode(node: Node): Promise<void> {
  const child = fork(script, { env: { ...process.env, REDIS_URL: url, PORT: "0" } });
  node.child = child;
  child.once("exit", (code, signal) => {
    node.port = null;
    if (isEnding) return;
    console.log(
      `${node.name} (${child.pid}) ended with ${signal ?? code}; it comes back in ${comeBackMs / 1000} s`,
    );
    setTimeout(() => void comeBack(node), comeBackMs);
  });
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error(`${node.name} did not start`);
    }),
  ])) as [{ port: number }];
  node.port = message.port;
}

async function comeBack(node: Node): Promise<void> {
  if (isEnding) return;
  try {
    await startNode(node);
    console.log(`${node.name} is back, as ${node.child?.pid}`);
  } catch {
    // Its end has arranged for the next attempt.
  }
}

/** On a free port, keeping nothing on disk. Resolves with its URL when it answers. */
async function startRedis(): Promise<string> {
  const port = await freePort();
  const flags = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--maxmemory-policy",
    "noeviction",
  ];
  own.redis = spawn("redis-server", flags, { stdio: "ignore" });
  own.redis.once("error", () => {
    console.error("redis-server was not found: install Redis 7, or set REDIS_URL to a running one");
    process.exit(1);
  });
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50));
  return `redis://127.0.0.1:${port}`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function withoutPassword(text: string): string {
  const shown = new URL(text);
  if (shown.password) shown.password = "***";
  return shown.href.replace(/\/$/, "");
}

/** Drains the nodes, then ends what was started for them. */
async function end(): Promise<void> {
  isEnding = true;
  await Promise.all(
    nodes.map(async ({ child }) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }),
  );
  own.redis?.kill();
  process.exit(0);
}
