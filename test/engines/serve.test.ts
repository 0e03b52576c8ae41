import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { expect, onTestFinished, test } from "vitest";
import { contract, request } from "bowline";
import * as z from "zod";
import { connect, lost, opened } from "../guarantees/clients.ts";

/** A server of its own process, the lines it prints, and how it ends. */
function spawnServer(...args: string[]) {
  const script = fileURLToPath(new URL("terminating-server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=bowline-source", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const lines: string[] = [];
  const output = createInterface(child.stdout);
  output.on("line", (line) => lines.push(line));
  const printed = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (lines.length >= count && resolve());
      output.on("line", look);
      look();
    });
  return { child, exited, lines, printed };
}

test("SIGTERM drains: what runs is finished and answered, clients are sent away, and the process ends by the signal", async () => {
  const { child, exited, lines, printed } = spawnServer();
  await printed(1);
  const port = lines[0];
  const client = connect(Number(port), "ann");
  await opened(client);
  const reply = client.request("increment", { by: 7 });
  await printed(2);
  child.kill("SIGTERM");
  expect(await reply).toBe(7);
  await lost(client);
  const [code, signal] = (await exited) as [number | null, string | null];
  expect([code, signal]).toEqual([null, "SIGTERM"]);
  expect(lines).toEqual([port, "running", "ran 7"]);
});

test("SIGTERM ends a process when all its servers have drained", async () => {
  const { child, exited, lines, printed } = spawnServer("idle server too");
  await printed(1);
  const client = connect(Number(lines[0]), "ann");
  const reply = client.request("increment", { by: 7 });
  await printed(2);
  child.kill("SIGTERM");
  expect(await reply).toBe(7);
  expect(await exited).toEqual([null, "SIGTERM"]);
});

test("a server that was closed leaves the signals to the process", async () => {
  const countOf = (): number[] => ["SIGTERM", "SIGINT"].map((signal) => process.listenerCount(signal));
  const before = countOf();
  const servers = [createServer(contract({})), createServer(contract({}))];
  for (const server of servers) await serve(server, { port: 0 });
  expect(countOf()).toEqual(before.map((count) => count + 1));
  await servers[0]?.close();
  expect(countOf()).toEqual(before.map((count) => count + 1));
  await servers[1]?.close();
  expect(countOf()).toEqual(before);
});

test("a port that is taken is an error of serve, not of the process", async () => {
  const taken = createTcpServer();
  await once(taken.listen(0), "listening");
  onTestFinished(() => void taken.close());
  const server = createServer(contract({}));
  await expect(
    serve(server, { port: (taken.address() as AddressInfo).port, signals: false }),
  ).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
});

test("a contract's request without a handler is an error before anybody can connect", async () => {
  const server = createServer(
    contract({ requests: { ask: request({ input: z.string(), output: z.string() }) } }),
  );
  await expect(serve(server, { port: 0, signals: false })).rejects.toThrow(
    'nothing answers the request "ask"',
  );
});
