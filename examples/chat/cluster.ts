/**
 * The chat on three nodes: `npm run start:cluster`. Starts a Redis of its own, unless REDIS_URL names one, then the nodes,
 * and in front of them a balancer that gives each new connection to the next node. What dies is started again after a
 * while: kill a node, or Redis, and see the pages go on.
 */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startFront } from "./front.ts";
import { isListening } from "./ports.ts";
import { giveUp } from "./report.ts";

const nodeCount = 3;
const comeBackMs = 10_000;
/** How long the nodes have for a goodbye when everything ends. */
const endMs = 1500;
const script = fileURLToPath(new URL("node.ts", import.meta.url));

/** A process that was started here, and ends with this one. */
interface Member {
  readonly name: string;
  /** Starts it; `ready` resolves with its port when it listens there. */
  readonly launch: () => { readonly child: ChildProcess; readonly ready: Promise<number> };
  child: ChildProcess | null;
  /** Null while it does not listen. */
  port: number | null;
}

let isEnding = false;
let turn = 0;
const nodes: Member[] = [];
/** The nodes, and what was started for them. */
const members: Member[] = [];
const dataDir = mkdtempSync(join(tmpdir(), "bowline-chat-"));

process.on("SIGINT", () => void end()).on("SIGTERM", () => void end());
process.once("exit", () => {
  // Redis last: the nodes would still say that it is gone.
  for (const { child } of members.toReversed()) child?.kill("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
});
await run().catch(giveUp);

async function run(): Promise<void> {
  const given = process.env["REDIS_URL"];
  const redis = given ? null : await addRedis();
  const url = given || `redis://127.0.0.1:${redis?.port}`;
  // One after the other: the first one opens the rooms that are there from the start.
  for (let n = 1; n <= nodeCount; n += 1) nodes.push(await addNode(`node ${n}`, url));
  const page = await startFront(nextNode);

  console.log(`Bowline chat: ${page}, on ${nodeCount} nodes over ${withoutPassword(url)}\n`);
  for (const { name, child } of members) console.log(`  kill ${name}:     kill -9 ${child?.pid}`);
  if (redis) {
    console.log(`  freeze Redis:    kill -STOP ${redis.child?.pid}`);
    console.log(`  and thaw it:     kill -CONT ${redis.child?.pid}`);
    console.log(`\nUntil this ends, Redis keeps its log in ${dataDir}`);
  }
  console.log(
    `\nWhat is killed is back after ${comeBackMs / 1000} s. Until then the pages keep what can't be stored.`,
  );
}

function nextNode(): { readonly host: string; readonly port: number } | null {
  const ports = nodes.flatMap(({ port }) => port ?? []);
  turn += 1;
  const port = ports[turn % ports.length];
  return port === undefined ? null : { host: "127.0.0.1", port };
}

async function add(name: string, launch: Member["launch"]): Promise<Member> {
  const member = { name, launch, child: null, port: null };
  members.push(member);
  await start(member);
  return member;
}

/** Resolves when it listens; rejects when it ends before. */
async function start(member: Member): Promise<void> {
  const { name } = member;
  const { child, ready } = member.launch();
  member.child = child;
  child.once("exit", (code, signal) => {
    member.port = null;
    if (isEnding) return;
    console.log(
      `${name} (${child.pid}) ended with ${signal ?? code}; it comes back in ${comeBackMs / 1000} s`,
    );
    setTimeout(() => void comeBack(member), comeBackMs);
  });
  const ended = once(child, "exit").then(() => {
    throw new Error(`${name} did not start`);
  });
  member.port = await Promise.race([ready, ended]);
}

async function comeBack(member: Member): Promise<void> {
  if (isEnding) return;
  try {
    await start(member);
    console.log(`${member.name} is back, as ${member.child?.pid}`);
  } catch {
    // Its end has arranged for the next attempt.
  }
}

function addNode(name: string, url: string): Promise<Member> {
  return add(name, () => {
    const child = fork(script, { env: { ...process.env, REDIS_URL: url, PORT: "0" } });
    const ready = once(child, "message").then(([message]) => (message as { port: number }).port);
    return { child, ready };
  });
}

/** On a free port. What it has taken is on disk before it says so, and there again when it comes back. */
async function addRedis(): Promise<Member> {
  const port = await freePort();
  const flags = {
    port: String(port),
    bind: "127.0.0.1",
    dir: dataDir,
    save: "",
    appendonly: "yes",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return add("Redis", () => {
    // Detached from the terminal, whose Ctrl-C would end it before the nodes are done with it.
    const child = spawn("redis-server", args, { stdio: "ignore", detached: true });
    child.once("error", () =>
      giveUp("redis-server was not found: install Redis 7, or set REDIS_URL to a running one"),
    );
    return { child, ready: listens(port) };
  });
}

async function listens(port: number): Promise<number> {
  while (!(await isListening(port))) await delay(50);
  return port;
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

/** Lets the nodes say goodbye, but not for long; a second signal does not wait at all. */
async function end(): Promise<void> {
  if (isEnding) process.exit(0);
  isEnding = true;
  const left = nodes.flatMap(({ child }) => (child && isAlive(child) ? child : []));
  const exits = left.map((child) => once(child, "exit"));
  for (const child of left) child.kill("SIGTERM");
  await Promise.race([Promise.all(exits), delay(endMs)]);
  process.exit(0);
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
