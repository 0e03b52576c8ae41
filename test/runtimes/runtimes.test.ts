import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BowlineError } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRuntimes } from "../../scripts/runtimes.mjs";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { runtimes } from "./runtimes.contract.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "bowline-runtimes-"));
const server = createServer(runtimes, { logger: false, authenticate: ({ token = "" }) => judge(token) });
/** Answers who comes with a wrong password as a proxy would. */
const gatekeeper = createHttpServer((request, response) => {
  const isWrong = request.headers.authorization === `Basic ${btoa("ada:wrong")}`;
  response.writeHead(isWrong ? 401 : 500).end("no");
});
let proxy: FaultProxy;

function judge(token: string): { id: string } | null {
  if (token === "banned") throw new BowlineError("FORBIDDEN", "out");
  return token === "ann" ? { id: token } : null;
}

beforeAll(async () => {
  await build({
    absWorkingDir: root,
    entryPoints: ["test/runtimes/client.ts"],
    outfile: join(folder, "client.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["bowline-source"],
    external: ["ws"],
    logLevel: "warning",
  });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(root, "node_modules/ws"), join(folder, "node_modules/ws"));
  writeFileSync(join(folder, "package.json"), '{"type":"module","dependencies":{"ws":"*"}}');
  server.request("cut", () => {
    proxy.cut();
    return null;
  });
  server.request("freeze", () => {
    proxy.freeze("toServer", "toClient");
    return null;
  });
  const { port } = await serve(server, { port: 0, signals: false });
  proxy = await startFaultProxy({ port });
  await once(gatekeeper.listen(0, "127.0.0.1"), "listening");
});

afterAll(async () => {
  await proxy.close();
  await server.close();
  gatekeeper.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Row {
  readonly runtime: string;
  readonly which: string;
  readonly freezes: boolean;
}

/** Runs the client, and gives the lines that it printed. */
async function run(program: string, { runtime, which, freezes }: Row): Promise<unknown[]> {
  const closed = createHttpServer();
  await once(closed.listen(0, "127.0.0.1"), "listening");
  const { port: nobody } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const addresses = {
    server: `ws://127.0.0.1:${proxy.port}/bowline`,
    closed: `ws://127.0.0.1:${nobody}/bowline`,
    behindPassword: `ws://ada:wrong@127.0.0.1:${(gatekeeper.address() as AddressInfo).port}/bowline`,
  };
  const flags = runtime === "deno" ? ["run", "-A", "--no-check", "--node-modules-dir=manual"] : [];
  const child = spawn(program, [...flags, "client.mjs", which, JSON.stringify(addresses), String(freezes)], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "", DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => (text += String(chunk)));
  await once(child, "close");
  proxy.cut();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

/** Far below what the platforms wait by themselves (30 s and more), and far above what the client takes. */
const endMsMax = 5000;

const found = findRuntimes();

test.for([
  { runtime: "node20", which: "ws", freezes: true },
  { runtime: "node22", which: "own", freezes: true },
  { runtime: "node22", which: "ws", freezes: true },
  { runtime: "node24", which: "own", freezes: true },
  { runtime: "node24", which: "ws", freezes: true },
  { runtime: "bun", which: "own", freezes: true },
  { runtime: "bun", which: "ws", freezes: true },
  // Deno's own has nothing to cut it with: it waits for as long as the system takes to give the other end up.
  { runtime: "deno", which: "own", freezes: false },
  { runtime: "deno", which: "ws", freezes: true },
])("the client in $runtime, with its WebSocket: $which", { timeout: 60_000 }, async (row, { skip }) => {
  const program = found[row.runtime];
  if (!program) return skip(`${row.runtime} is not installed`);
  const [outcomes, end] = await run(program, row);
  expect(outcomes).toEqual({
    refused: ["waiting", expect.stringMatching(/^the server can't be reached: .*refused/i)],
    unauthorized: ["closed", "UNAUTHORIZED"],
    forbidden: ["closed", "FORBIDDEN"],
    password: ["closed", "HTTP_401"],
    cut: ["waiting", "connecting", "open", "closed"],
  });
  if (!row.freezes) return;
  expect(end).toMatchObject({ frozen: "UNCERTAIN" });
  expect((end as { endedAfterMs: number }).endedAfterMs).toBeLessThan(endMsMax);
});
