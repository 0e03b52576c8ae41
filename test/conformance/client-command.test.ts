import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { ClientProcess } from "../../src/conformance/client/client-process.ts";
import { programIn, runConformance, type Ran } from "../support/conformance-run.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-client-command-"));
  mkCases([{ do: { do: "close" } }]);
});
afterEach(() => rmSync(folder, { recursive: true }));

function mkCases(...steps: unknown[][]): void {
  const cases = steps.map((it, index) => ({
    id: `client/rooms/x${index}`,
    level: "MUST",
    about: "It holds.",
    steps: it,
  }));
  writeFileSync(join(folder, "rooms.json"), JSON.stringify(cases));
}

function run(...args: string[]): Promise<Ran> {
  // Long enough for a busy machine; what has to be late says so.
  const bounds = ["--start-ms", "10000", "--wait-ms", "5000", "--at-once", "1"];
  return runConformance(["--cases", folder, ...bounds, ...args]);
}

const program = (code: string): string => programIn(folder, code);

/** A driver that says to each command that it is done, unless `onCommand` does something else. */
const driver = (onCommand: string): string => `
import { createInterface } from "node:readline";
const tell = (line) => console.log(JSON.stringify(line));
tell({ tell: "ready", offers: ["clock"] });
for await (const line of createInterface(process.stdin)) {
  const command = JSON.parse(line);
  if (command.do !== "reset" && command.do !== "sync") { ${onCommand} }
  tell({ tell: "done", do: command.do });
}`;

test("a driver that does what the case asks passes", async () => {
  const { code, printed } = await run("--client-cmd", program(driver("")));
  expect(printed).toMatch(/rooms +1 +0 +0 +1\nall +1 +0 +0 +1/);
  expect(code).toBe(0);
});

describe("a driver that can't be used is named, with what it did:", () => {
  test.each([
    [
      "dies",
      `console.error("no such module"); process.exit(3);`,
      /ended with 3; its standard error ends with:\n\s*no such module/,
    ],
    ["ends without a word", "", /ended with 0, and said nothing on its standard error/],
    [
      "writes something else",
      `console.log("hello!"); setInterval(() => {}, 1000);`,
      /wrote what is no JSON object with a "tell", in line 1 of its output: "hello!"/,
    ],
    [
      "is not ready first",
      `console.log('{"tell":"status"}'); setInterval(() => {}, 1000);`,
      /told {"tell":"status"} first, and not {"tell":"ready","offers":\[…\]}/,
    ],
    [
      "offers nothing that is a list",
      `console.log('{"tell":"ready"}'); setInterval(() => {}, 1000);`,
      /told {"tell":"ready"} first/,
    ],
  ])("%s", async (_what, code, message) => {
    const ran = await run("--client-cmd", program(code));
    expect(ran.noted).toMatch(message);
    expect(ran.noted).toContain("conformance: the client under test (exec ");
    expect(ran.code).toBe(2);
  });

  test("hangs", async () => {
    const hanging = "echo waiting for a token >&2; exec sleep 1000";
    const { noted, code } = await run("--client-cmd", hanging, "--start-ms", "1500");
    expect(noted).toMatch(
      /did not tell that it is ready in 1500 ms; its standard error ends with:\n\s*waiting for a token/,
    );
    expect(code).toBe(2);
  });

  test("is not there", async () => {
    const { noted, code } = await run("--client-cmd", "no-such-driver");
    expect(noted).toMatch(/the client under test \(no-such-driver\) ended with 127/);
    expect(code).toBe(2);
  });
});

describe("a driver fails a case, and the next one has a new process, where it", () => {
  test.each([
    [
      "dies",
      `if (command.do === "close") { console.error("out of luck"); process.exit(9); }`,
      /ended with 9; its standard error ends with:\n\s*out of luck/,
    ],
    ["hangs", `if (command.do === "close") continue;`, /did not tell what came of {"do":"close"} in 2500 ms/],
    [
      "writes garbage",
      `if (command.do === "close") console.log("{oops");`,
      /wrote what is no JSON object with a "tell", in line 3 of its output: "{oops"/,
    ],
    [
      "can't do it",
      `if (command.do === "close") { tell({ tell: "failed", do: "close", message: "not now" }); continue; }`,
      /the client could not: not now/,
    ],
    [
      "tells what nobody expects",
      `if (command.do === "close") tell({ tell: "event", room: "chat/a" });`,
      /at its end, nothing more should be told, but there is {"tell":"event","room":"chat\/a"}/,
    ],
  ])("%s", async (_what, onCommand, message) => {
    mkCases([{ do: { do: "close" } }], [{ do: { do: "wake" } }]);
    const { noted, printed, code } = await run(
      "--client-cmd",
      program(driver(onCommand)),
      "--wait-ms",
      "2500",
    );
    expect(noted).toContain('FAILED client/rooms/x0 (MUST): It holds.\n  step 1: {"do":{"do":"close"}}');
    expect(noted).toMatch(message);
    expect(printed).toMatch(/all +1 +1 +0 +2/);
    expect(code).toBe(1);
  });
});

test.each([
  [
    "a connection attempt",
    [{ do: { do: "connect" } }, { accept: "A" }],
    "waited 700 ms for a connection attempt",
  ],
  ["a line", [{ told: { tell: "gap" } }], 'waited 700 ms for the client to tell {"tell":"gap"}'],
  ["a question", [{ asked: {} }], "waited 700 ms for a plain GET of the path"],
])("a client that does not come to %s in time is told so", async (_what, steps, message) => {
  mkCases(steps);
  const { noted } = await run("--client-cmd", program(driver("")), "--wait-ms", "700");
  expect(noted).toContain(message);
});

test("a step that needs what no step made is the case's fault, and told as such", async () => {
  mkCases([{ quiet: "B" }]);
  const { noted } = await run("--client-cmd", program(driver("")));
  expect(noted).toContain('no socket "B" was accepted before this step');
});

test("what a driver does not offer is skipped", async () => {
  const it = {
    id: "client/rooms/x",
    level: "MUST",
    about: "It holds.",
    tags: ["persistence"],
    steps: [{ restart: true }],
  };
  writeFileSync(join(folder, "rooms.json"), JSON.stringify([it]));
  expect((await run("--client-cmd", program(driver("")))).printed).toMatch(/all +0 +0 +1 +1/);
});

test("a driver that shows a secret is told, with the place", async () => {
  const command = program(driver(`tell({ tell: "trouble", message: "my secret is abc-123" });`));
  const shown = new ClientProcess({ command, clock: systemClock, startMs: 10_000, limitMs: 10_000 });
  await shown.ready();
  shown.secrets.add("abc-123");
  await expect(shown.run({ do: "close" })).rejects.toThrow(
    /shows the session's secret, in line 2 of its output/,
  );
  await shown.kill();
});

test.each([
  ["a verb", { qiuet: "A" }, 'no known verb: "qiuet": did you mean "quiet"?'],
  ["a command", { do: { do: "publsh" } }, 'no command "publsh": did you mean "publish"?'],
  ["no command", { do: {} }, "no command"],
  [
    "a command's field",
    { do: { do: "join", rom: "chat/a" } },
    'the command "join" has no field "rom". Fields are: room, history',
  ],
  ["what it connects with", { start: "A", with: { tokn: "x" } }, 'the command "connect" has no field "tokn"'],
  ["what is told", { told: { tell: "evnt" } }, 'nothing is told as "evnt": did you mean "event"?'],
  ["what is never told", { never: "evnt" }, 'nothing is told as "evnt": did you mean "event"?'],
  ["an answer", { refuse: {}, answer: { state: 401 } }, '"answer" has no field "state"'],
  ["an answer's status", { refuse: {}, answer: {} }, '"answer" needs a "status"'],
  ["a socket's name", { accept: "a" }, '"accept" must be the name of a socket'],
])("a case file with a fault in %s is refused with its name", async (_what, step, message) => {
  mkCases([step]);
  const { noted, code } = await run("--client-cmd", "x");
  expect(noted).toContain('rooms.json, case "client/rooms/x0", step 1: ');
  expect(noted).toContain(message);
  expect(code).toBe(2);
});

test("the cases of clients are listed where their command is given", async () => {
  expect(await run("--client-cmd", "x", "--list")).toMatchObject({
    code: 0,
    printed: "client/rooms/x0 (MUST): It holds.",
  });
});

test("a run is of a server or of a client", async () => {
  const { noted, code } = await run("--cmd", "x", "--client-cmd", "y");
  expect(noted).toContain("--cmd and --client-cmd can't stand together");
  expect(code).toBe(2);
});
