/** Fault runs with processes that are not the run's own, and what is said of commands that are none. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sourceCommand } from "../../faults/contenders/contender.ts";
import { foreignClients } from "../../faults/contenders/foreign-client.ts";
import { foreignMisuse, foreignOf } from "../../faults/foreign-options.ts";
import { runFaults, type FaultRunOptions, type FaultRunResult } from "../../faults/fault-run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const plainClient = `"${process.execPath}" "${root}test/faults/programs/plain-client.mjs"`;
const stutteringServer = sourceCommand("test/faults/programs/stuttering-server.ts");

function run(options: Partial<FaultRunOptions>): Promise<FaultRunResult> {
  return runFaults({
    contender: "bowline",
    broker: "memory",
    seconds: 4,
    clients: 9,
    seed: 7,
    shortRooms: true,
    ...options,
  });
}

test("a server and clients of other programs lose, repeat and reorder nothing", async () => {
  const { verdict, settledMs, unsettled } = await run({
    foreignServers: { command: sourceCommand("conformance/server.ts"), count: 1 },
    // Every second of Bowline's clients has a process of its own, the others are written from the text alone.
    foreignClients: {
      command: `if [ $(($$ % 2)) = 0 ]; then ${plainClient}; else ${sourceCommand("conformance/client.ts")}; fi`,
      count: 4,
    },
  });
  expect(verdict.examples).toEqual([]);
  expect(settledMs, unsettled).not.toBeNull();
  expect(verdict.acknowledged).toBeGreaterThan(20);
}, 120_000);

test("a client that comes back without its positions is caught: it has lost something", async () => {
  const { verdict } = await run({
    foreignClients: { command: `SABOTAGE=no-positions ${plainClient}`, count: 3 },
  });
  expect(verdict.lost).toBeGreaterThan(0);
}, 120_000);

test("a server that stores a publish twice is caught: everybody got it again", async () => {
  const { verdict } = await run({ foreignServers: { command: stutteringServer, count: 1 } });
  expect(verdict.repeated).toBeGreaterThan(0);
}, 120_000);

test.each<[what: string, options: Partial<FaultRunOptions>, problem: string]>([
  ["a server that ends", { foreignServers: { command: "exit 3", count: 1 } }, "(exit 3) ended with 3"],
  [
    "a server that does not exist",
    { foreignServers: { command: "no-such-server", count: 1 } },
    "(no-such-server) ended with 127; its standard error ends with",
  ],
  [
    "a server that prints no port",
    { foreignServers: { command: "echo hello; cat", count: 1 } },
    'has to print {"port":…} as its first line, and printed "hello"',
  ],
  [
    "a server that hangs",
    { foreignServers: { command: "cat", count: 1 }, startMs: 300 },
    "(cat) printed no port within 300 ms",
  ],
])(
  "%s is said",
  async (_what, options, problem) => {
    await expect(run({ ...options, clients: 3, seconds: 2 })).rejects.toThrow(problem);
  },
  60_000,
);

test.each([
  ["ends", "exit 3", "ended with 3"],
  ["says nonsense", "echo hello; cat", 'told "hello": no JSON object'],
  ["hangs", "cat > /dev/null", "did not say that it is ready within 300 ms"],
  [
    "joins nothing",
    `echo '{"tell":"ready","offers":[]}'; cat > /dev/null`,
    "did not join its rooms within 300 ms",
  ],
  [
    "joins without a position",
    `echo '{"tell":"ready","offers":[]}'; echo '{"tell":"joined","room":"long/1"}'; cat`,
    "it has no position",
  ],
])("a client that %s is said", async (_what, command, problem) => {
  const participate = foreignClients({ command, startMs: 300, onFailure: () => {} });
  const starting = participate({ name: "x", port: 1, rooms: ["long/1"], log: () => {} });
  await expect(starting).rejects.toThrow(`the client (${command}) `);
  await expect(starting).rejects.toThrow(problem);
});

const given = { broker: "redis", clients: "90", compare: false, "start-ms": "40000" };

test("of three servers two are foreign, and of clients a third, unless it is said otherwise", () => {
  const commands = { ...given, "server-cmd": "s", "client-cmd": "c" };
  expect(foreignMisuse(commands)).toBeNull();
  expect(foreignOf(commands, "server")).toEqual({ command: "s", count: 2 });
  expect(foreignOf({ ...commands, broker: "memory" }, "server")).toEqual({ command: "s", count: 1 });
  expect(foreignOf(commands, "client")).toEqual({ command: "c", count: 30 });
  expect(foreignOf({ ...commands, "foreign-clients": "90" }, "client")).toEqual({ command: "c", count: 90 });
  expect(foreignOf(given, "client")).toBeUndefined();
});

test.each([
  [{ "foreign-clients": "3" }, "--foreign-clients needs --client-cmd"],
  [
    { "server-cmd": "x", "foreign-servers": "4" },
    "--foreign-servers must be a whole number from 1 to 3, not 4",
  ],
  [
    { "client-cmd": "x", "foreign-clients": "0" },
    "--foreign-clients must be a whole number from 1 to 90, not 0",
  ],
  [{ "client-cmd": " " }, "--client-cmd is empty"],
  [{ "client-cmd": "x", compare: true }, "--compare runs no processes of yours: leave out --client-cmd"],
  [{ "start-ms": "soon" }, "--start-ms must be a whole number from 1"],
])("options %j are misuse", (options, problem) => {
  expect(foreignMisuse({ ...given, ...options })).toBe(problem);
});
