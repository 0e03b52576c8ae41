import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { programIn, runConformance, type Ran } from "../support/conformance-run.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-command-"));
  mkCase([{ open: "A" }, { quiet: "A" }]);
});
afterEach(() => rmSync(folder, { recursive: true }));

function mkCase(steps: unknown[], rest: object = {}): void {
  const it = { id: "heartbeat/x", level: "MUST", about: "It holds.", steps, ...rest };
  writeFileSync(join(folder, "heartbeat.json"), JSON.stringify([it]));
}

function run(...args: string[]): Promise<Ran> {
  return runConformance(["--cases", folder, "--start-ms", "10000", "--wait-ms", "2000", ...args]);
}

const program = (code: string): string => programIn(folder, code);

/** A server that takes upgrades and answers pings, and nothing else. */
const plain = `
import { createServer } from "node:http";
import { createHash } from "node:crypto";
const http = createServer((request, response) => response.end("no control here"));
http.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write("HTTP/1.1 101 x\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\nsec-websocket-protocol: bowline.v1.json\\r\\nsec-websocket-accept: " + accept + "\\r\\n\\r\\n");
  socket.on("error", () => {});
  socket.on("data", (data) => (globalThis.onData ?? pong)(data, socket));
});
function pong(data, socket) {
  const text = Buffer.from(data.subarray(6).map((byte, index) => byte ^ data[2 + (index % 4)]));
  socket.write(Buffer.concat([Buffer.from([0x8a, text.length]), text]));
}
http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
`;

test("a server that does what the case asks passes", async () => {
  const { code, printed } = await run("--cmd", program(plain));
  expect(printed).toMatch(/heartbeat +1 +0 +0 +1\nall +1 +0 +0 +1/);
  expect(code).toBe(0);
});

test.each([
  [
    "dies",
    `console.error("no such table"); process.exit(3);`,
    /ended with 3; its standard error ends with:\n\s*no such table/,
  ],
  ["ends without a word", "", /ended with 0, and said nothing on its standard error/],
  [
    "prints something else",
    `console.log("listening!"); setInterval(() => {}, 1000);`,
    /has to print {"port":…} as its first line, and printed "listening!"/,
  ],
  ["prints no number", `console.log('{"port":"80"}');`, /has to print {"port":…} as its first line/],
])("a server that %s before it tells its port is named", async (_what, code, message) => {
  const ran = await run("--cmd", program(code));
  expect(ran.noted).toMatch(message);
  // Once, and not for each case.
  expect(ran.noted.match(/the server under test/g)).toHaveLength(1);
  expect(ran.code).toBe(2);
});

test("a server that prints no port in time is named, with its last words", async () => {
  const hanging = program(`console.error("waiting for the database"); setInterval(() => {}, 1000);`);
  const { noted, code } = await run("--cmd", hanging, "--start-ms", "700");
  expect(noted).toMatch(
    /printed no port within 700 ms; its standard error ends with:\n\s*waiting for the database/,
  );
  expect(code).toBe(2);
});

test("a command that is not there is named", async () => {
  const { noted } = await run("--cmd", "no-such-server --port 0");
  expect(noted).toMatch(/the server under test \(no-such-server --port 0\) ended with 127/);
});

test("a server that dies in a case is named, with its last words", async () => {
  const dying = `${plain}\nglobalThis.onData = () => { console.error("out of luck"); process.exit(9); };`;
  const { noted, code } = await run("--cmd", program(dying));
  expect(noted).toMatch(
    /step 2: {"quiet":"A"}[^]*came {5}close 1006[^]*the server under test ended with 9[^]*out of luck/,
  );
  expect(code).toBe(1);
});

test("a server that hangs in a case fails it by its time, with what came before", async () => {
  const { noted, code } = await run(
    "--cmd",
    program(`${plain}\nglobalThis.onData = () => {};`),
    "--wait-ms",
    "300",
  );
  expect(noted).toMatch(
    /expected the answer to a ping\n\s+came {5}nothing within 300 ms\n\s+A → ping of WebSocket/,
  );
  expect(code).toBe(1);
});

test("a control channel that is none is named", async () => {
  mkCase([{ control: { call: "stats" } }]);
  const { noted } = await run("--cmd", program(plain));
  expect(noted).toContain('the control channel answered {"call":"stats"} with 200 and "no control here"');
});

test("a step that needs what no step made is the case's fault, and told as such", async () => {
  mkCase([{ quiet: "B" }]);
  expect((await run("--cmd", program(plain))).noted).toContain(
    'no step before this one has opened the socket "B"',
  );
});

test("a failed SHOULD is told, and fails nothing", async () => {
  mkCase([{ open: "A" }, { closed: "A", code: 4400 }], { level: "SHOULD" });
  const { code, printed } = await run("--cmd", program(plain), "--wait-ms", "200");
  expect(printed).toContain("failed: heartbeat/x (SHOULD)");
  expect(code).toBe(0);
});

test("results are written as JSON, skipped cases too", async () => {
  mkCase([{ open: "A" }], { tags: ["store"] });
  const file = join(folder, "out.json");
  const { code } = await run("--cmd", program(plain), "--skip", "store,presence", "--json", file);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    sections: {
      heartbeat: { passed: 0, failed: 0, skipped: 1, must: 1 },
      all: { passed: 0, failed: 0, skipped: 1, must: 1 },
    },
    cases: [{ id: "heartbeat/x", section: "heartbeat", level: "MUST", outcome: "skipped", ms: 0 }],
  });
  expect(code).toBe(0);
});

test.each([
  [["--list"], /^heartbeat\/x \(MUST\): It holds\.$/],
  [["--list", "--only", "heart*x"], /^heartbeat\/x/],
  [["--help"], /^Runs the conformance suite/],
])("%j prints", async (args, text) => {
  expect(await run(...args)).toMatchObject({ code: 0, printed: expect.stringMatching(text) as string });
});

test.each([
  [[], "--cmd or --client-cmd is needed"],
  [["--cmd", "x", "--only", "nothing"], "--only nothing: no case has such an id"],
  [["--cmd", "x", "--at-once", "0"], "--at-once must be a whole number from 1, not 0"],
  [["--cmd", "x", "--wait-ms", "soon"], "--wait-ms must be a whole number from 1, not soon"],
  [["--cmd", "x", "--broker", "redis"], "--broker must be JSON"],
  [["--cmd", "x", "--skip", "stroe"], '--skip: no tag "stroe"'],
  [["--command", "x"], "Unknown option '--command'"],
  [["x"], "Unexpected argument 'x'"],
])("%j can't be run", async (args, message) => {
  const { code, noted } = await run(...args);
  expect(noted).toContain(message);
  expect(code).toBe(2);
});

test("case files with faults can't be run, and each fault is named", async () => {
  mkCase([{ opne: "A" }]);
  const { code, noted } = await run("--cmd", "x");
  expect(noted).toContain('heartbeat.json, case "heartbeat/x", step 1: no known verb: "opne"');
  expect(code).toBe(2);
});
