import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../src/cli/main.ts";
import { CommandError } from "../../src/cli/command.ts";
import { runBowline } from "./run-bowline.ts";

const folder = mkdtempSync(join(tmpdir(), "bowline-cli-"));
const chat = join(import.meta.dirname, "../contract-file/chat.contract.ts");
const made = `{ matchRoom: () => null, rooms: {}, requests: {}, hasInbox: false }`;
/** Modules of users, as they may be. */
const modules = {
  "one.mjs": `export const chat = ${made}; export const other = 1;`,
  "same.mjs": `export const chat = ${made}; export default chat;`,
  "two.mjs": `export const chat = ${made}; export const jobs = ${made};`,
  "none.mjs": `export const room = { rooms: {} };`,
  "empty.mjs": ``,
  "broken.mjs": `import "./missing.mjs";`,
};

beforeAll(() => {
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true }));

async function run(...line: string[]): Promise<{ code: number; out: string; said: string }> {
  let out = "";
  const said: string[] = [];
  const code = await main(line, {
    out: (text) => (out += text),
    say: (text) => said.push(text),
    folder,
  });
  return { code, out, said: said.join("\n") };
}

describe("a command line that is wrong", () => {
  test.each([
    ["an unknown command", ["exprot"], `unknown command "exprot": did you mean "export"?`],
    ["no format", ["export"], "say what to export: contract"],
    [
      "an unknown format",
      ["export", "contrcat", "one.mjs"],
      `unknown format "contrcat": did you mean "contract"?`,
    ],
    ["no file", ["export", "contract"], "FILE is missing"],
    ["two files", ["export", "contract", "one.mjs", "two.mjs"], "one FILE only, not also two.mjs"],
    ["an unknown option", ["export", "contract", "one.mjs", "--exprot"], "Unknown option '--exprot'"],
    [
      "a server that is none",
      ["export", "asyncapi", "one.mjs", "--server", "http://x"],
      "--server must be like wss://",
    ],
    ["an option without its value", ["export", "contract", "one.mjs", "--out"], "--out"],
  ])("%s: exit code 2, and the usage", async (_case, line, text) => {
    const { code, out, said } = await run(...line);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(said).toContain(text);
    expect(said).toMatch(/^(Usage: bowline export|Try: bowline help)/m);
  });
});

describe("a file that gives no contract", () => {
  test.each([
    ["that is not there", ["missing.mjs"], "there is no file"],
    ["that is a folder", ["."], "is a folder: name the file in it"],
    [
      "with two contracts",
      ["two.mjs"],
      "two.mjs exports 2 contracts, chat and jobs: say which, with --export chat",
    ],
    ["with another export", ["none.mjs"], "none.mjs exports nothing that contract() made: it exports room"],
    ["with no export", ["empty.mjs"], "it exports nothing"],
    ["that can't be loaded", ["broken.mjs"], "broken.mjs can't be loaded: "],
    ["without the export", ["one.mjs", "--export", "chta"], `no export "chta": did you mean "chat"?`],
    [
      "whose export is none",
      ["one.mjs", "--export", "other"],
      `the export "other" of one.mjs is no contract, but 1`,
    ],
    [
      "and a place that can't be written",
      ["one.mjs", "--out", "nowhere/contract.json"],
      "nowhere/contract.json can't be written: ",
    ],
  ])("%s: exit code 1, nothing written", async (_case, line, text) => {
    const { code, out, said } = await run("export", "contract", ...line);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(said).toContain(text);
    expect(said).not.toContain("\n    at ");
  });
});

test("a contract is found among other exports, under two names, and by its name", async () => {
  for (const line of [["one.mjs"], ["same.mjs"], ["two.mjs", "--export", "jobs"]]) {
    const { code, out } = await run("export", "contract", ...line);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ contract: 1, rooms: {} });
  }
});

test("--out writes the file, and nothing else is printed", async () => {
  const { code, out } = await run("export", "contract", "one.mjs", "--out", "contract.json");
  expect({ code, out }).toEqual({ code: 0, out: "" });
  expect(JSON.parse(readFileSync(join(folder, "contract.json"), "utf8"))).toHaveProperty("contract", 1);
});

test("json-schema writes every schema by a name, asyncapi a document with the title and server that are given", async () => {
  const bundle = JSON.parse((await run("export", "json-schema", "one.mjs")).out) as object;
  expect(bundle).toEqual({ $schema: "https://json-schema.org/draft/2020-12/schema", $defs: {} });
  const line = ["export", "asyncapi", "one.mjs", "--title", "Chat", "--server", "wss://example.com:81/ws"];
  expect(JSON.parse((await run(...line)).out)).toMatchObject({
    asyncapi: "3.0.0",
    info: { title: "Chat" },
    servers: { main: { host: "example.com:81", pathname: "/ws", protocol: "wss" } },
  });
  expect(JSON.parse((await run("export", "asyncapi", "one.mjs")).out)).toMatchObject({
    servers: { main: { host: "localhost:3000", pathname: "/bowline", protocol: "ws" } },
  });
});

test("the conformance suite is a command, and its cases come with the package", async () => {
  const { code, out } = await run("conformance", "--list", "--only", "publishes/sent-again");
  expect({ code, out: out.split("\n")[0] }).toEqual({
    code: 0,
    out: expect.stringMatching(/^publishes\/sent-again \(MUST\): /) as string,
  });
});

test("help lists the commands, and says what each takes", async () => {
  for (const line of [[], ["help"], ["--help"]]) expect((await run(...line)).out).toContain("  export  ");
  for (const line of [
    ["help", "export"],
    ["export", "--help"],
  ])
    expect((await run(...line)).out).toContain("Usage: bowline export");
  expect((await run("help", "exprot")).code).toBe(2);
  expect((await run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a command's own fault is told with its stack, what it says itself without", async () => {
  const failing = (error: Error) => ({
    fail: {
      summary: "fails",
      load: () => Promise.resolve({ usage: "fail", help: "", run: () => Promise.reject(error) }),
    },
  });
  const tell = async (error: Error): Promise<string> => {
    const said: string[] = [];
    const terminal = { out: () => {}, say: (line: string) => said.push(line), folder };
    expect(await main(["fail"], terminal, failing(error))).toBe(1);
    return said.join("\n");
  };
  expect(await tell(new CommandError("no luck"))).toBe("bowline: no luck");
  expect(await tell(new TypeError("oh"))).toMatch(/^bowline: TypeError: oh\n +at /);
});

test("the program reads a contract written in TypeScript", async () => {
  const { code, out } = await runBowline("export", "contract", chat);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toHaveProperty(["rooms", "chat/:room", "events", "message", "from"], "client");
});
