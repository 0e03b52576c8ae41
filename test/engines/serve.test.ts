import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { contract, request } from "bowline";
import * as z from "zod";
import { connect, lost, opened } from "../guarantees/clients.ts";
import { container, spawnScript, type SpawnOptions } from "../support/spawned.ts";

const terminatingServer = new URL("terminating-server.ts", import.meta.url);
const hasContainers = spawnSync("unshare", [...container.slice(1), "true"]).status === 0;
if (!hasContainers) console.log("skipped: the tests of a server that is process 1 need `unshare`, as root");

describe("SIGTERM", () => {
  test.each<[string, string[], SpawnOptions, [number | null, string | null]]>([
    ["ends the process by the signal", [], {}, [null, "SIGTERM"]],
    ["waits for all its servers, and for nothing else", ["idle", "busy"], {}, [null, "SIGTERM"]],
    ["ends the first process of a container as well", ["busy"], { isFirst: true }, [143, null]],
    ["leaves the end to the application where it listens too, if only once", ["own-once"], {}, [0, null]],
    ["is the application's to end", ["own-drain", "busy"], {}, [3, null]],
  ])("drains, answers what runs, and %s", async (_what, args, options, end) => {
    if (options.isFirst && !hasContainers) return;
    const { exited, lines, printed, signal } = spawnScript(terminatingServer, { args, ...options });
    await printed(1);
    const client = connect(Number(lines[0]), "ann");
    await opened(client);
    const reply = client.request("increment", { by: 7 });
    await printed(2);
    signal();
    expect(await reply).toBe(7);
    await lost(client);
    expect(await exited).toEqual(end);
    // A handler of the application's own ran once.
    const own = args.some((arg) => arg.startsWith("o")) ? ["own handler"] : [];
    expect(lines.slice(1)).toEqual(["running", ...own, "ran 7"]);
  });

  test.each<[SpawnOptions, [number | null, string | null]]>([
    [{}, [null, "SIGINT"]],
    [{ isFirst: true }, [130, null]],
  ])("that is followed by another signal ends the process at once (%j)", async (options, end) => {
    if (options.isFirst && !hasContainers) return;
    const { exited, lines, printed, signal } = spawnScript(terminatingServer, { args: ["busy"], ...options });
    await printed(1);
    const client = connect(Number(lines[0]), "ann");
    const left = lost(client);
    client.request("increment", { by: 1000 }).catch(() => {});
    await printed(2);
    signal();
    // By now the first one is under way: the client is sent away.
    client.close();
    await left;
    await new Promise((resolve) => setTimeout(resolve, 150));
    signal("SIGINT");
    expect(await exited).toEqual(end);
  });

  test("that comes twice in the same moment is one: npm passes on what everybody was sent", async () => {
    const { exited, lines, printed, signal } = spawnScript(terminatingServer);
    await printed(1);
    const client = connect(Number(lines[0]), "ann");
    const reply = client.request("increment", { by: 7 });
    await printed(2);
    signal("SIGINT");
    signal("SIGINT");
    expect(await reply).toBe(7);
    expect(await exited).toEqual([null, "SIGINT"]);
  });
});

test("a start that is refused leaves nothing behind, and may be tried again", async () => {
  const { exited, lines } = spawnScript(new URL("refused-starts.ts", import.meta.url));
  expect(await exited).toEqual([0, null]);
  expect(lines.map((line) => line.split(" | "))).toEqual([
    ["port in use", expect.stringContaining("EADDRINUSE"), ""],
    ["served a second time", expect.stringContaining("EADDRINUSE"), ""],
    ["request without a handler", expect.stringContaining('nothing answers the request "ask"'), ""],
    ["redis out of reach", expect.stringMatching(/^redis broker: option "url" .* ECONNREFUSED/), ""],
    ["nats out of reach", expect.stringMatching(/^nats: no connection to servers/), ""],
    ["sqlite file that can't be", expect.stringMatching(/^sqlite broker, option "file"/), ""],
    ["server that was stopped", "this server was stopped: make another one", ""],
    ["attached without a handler", expect.stringContaining('nothing answers the request "ask"'), ""],
  ]);
});

test("workers that share a port and no broker are warned, once each", async () => {
  const { exited, lines } = spawnScript(new URL("workers.ts", import.meta.url));
  expect(await exited).toEqual([0, null]);
  expect(lines).toEqual(["BOWLINE_MEMORY_IN_WORKER", "BOWLINE_MEMORY_IN_WORKER"]);
});

test("a server that was closed leaves the signals to the process", async () => {
  const countOf = (): number[] => ["SIGTERM", "SIGINT"].map((signal) => process.listenerCount(signal));
  const before = countOf();
  const servers = [
    createServer(contract({}), { logger: false }),
    createServer(contract({}), { logger: false }),
  ];
  for (const server of servers) await serve(server, { port: 0 });
  expect(countOf()).toEqual(before.map((count) => count + 1));
  await servers[0]?.close();
  expect(countOf()).toEqual(before.map((count) => count + 1));
  await servers[1]?.close();
  expect(countOf()).toEqual(before);
});

test("a server that was started while the application's signal drains another hears the next one", async () => {
  const heard = vi.fn();
  process.on("SIGTERM", heard);
  onTestFinished(() => void process.off("SIGTERM", heard));
  const before = process.listenerCount("SIGTERM");
  const [first, second] = [createServer(contract({})), createServer(contract({}))];
  const drained = [first, second].map(
    (server) => new Promise<void>((resolve) => server.gate.onStop(() => resolve())),
  );
  await serve(first, { port: 0 });
  process.emit("SIGTERM", "SIGTERM");
  await serve(second, { port: 0 });
  await drained[0];
  await vi.waitFor(() => expect(process.listenerCount("SIGTERM")).toBe(before + 1));
  process.emit("SIGTERM", "SIGTERM");
  await drained[1];
  await vi.waitFor(() => expect(process.listenerCount("SIGTERM")).toBe(before));
  expect(heard).toHaveBeenCalledTimes(2);
});

test("a port that is taken is an error of serve, not of the process", async () => {
  const taken = createTcpServer();
  await once(taken.listen(0), "listening");
  onTestFinished(() => void taken.close());
  const server = createServer(contract({}), { logger: false });
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
