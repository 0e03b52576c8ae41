import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadScripts, topics } from "../../src/testing/conformance/load-scripts.ts";
import { unroll } from "../../src/testing/conformance/unroll.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-broker-scripts-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What is said of a folder whose topics are empty but for one, which has this text. */
function problemOf(text: string, file = "append.json"): string {
  for (const topic of topics) writeFileSync(join(folder, `${topic}.json`), "[]");
  writeFileSync(join(folder, file), text);
  try {
    loadScripts(folder);
    return "";
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(join(folder, file));
  }
}

const sound = { id: "append/x", level: "MUST", about: "x holds" };
const read = { node: "a", call: "read", args: { room: "r", after: 0, limit: 1 } };
const withSteps = (...steps: unknown[]): string => JSON.stringify([{ ...sound, steps }]);

test("a sound script is taken", () => {
  expect(problemOf(withSteps(read))).toBe("");
});

test.each<[what: string, text: string, problem: string]>([
  ["no JSON", "[", "append.json: "],
  ["no array", "{}", "append.json: a file of cases is one array, not object"],
  [
    "a misspelt field",
    JSON.stringify([{ ...sound, abuot: "y", steps: [read] }]),
    'append.json, case "append/x": no field "abuot": did you mean "about"?',
  ],
  [
    "an id of another topic",
    JSON.stringify([{ ...sound, id: "read/x", steps: [read] }]),
    'append.json, case "read/x": its id must be "append/" and small letters',
  ],
  ["no level", JSON.stringify([{ ...sound, level: "must", steps: [read] }]), "its level must be one of MUST"],
  ["no steps", JSON.stringify([sound]), 'case "append/x": it needs steps'],
  [
    "an unknown need",
    JSON.stringify([{ ...sound, needs: ["luck"], steps: [read] }]),
    'nothing is known of the need "luck". Needs are: nodes, lasting',
  ],
  [
    "the same case twice",
    JSON.stringify([
      { ...sound, steps: [read] },
      { ...sound, steps: [read] },
    ]),
    'case "append/x" is there twice',
  ],
  [
    "a misspelt verb",
    withSteps(read, { nod: "a", cal: "read" }),
    'case "append/x", step 2: no known verb: "nod".',
  ],
  ["two verbs", withSteps({ stop: "a", start: "b" }), "step 1: a step has one verb, not stop and start"],
  [
    "a misspelt call",
    withSteps({ ...read, call: "raed" }),
    'a broker has no call "raed": did you mean "read"?',
  ],
  [
    "a misspelt argument",
    withSteps({ ...read, args: { room: "r", aftr: 0, limit: 1 } }),
    '"read" has no argument "aftr": did you mean "after"?',
  ],
  [
    "an argument that is missing",
    withSteps({ ...read, args: { room: "r", after: 0 } }),
    '"read" needs the argument "limit"',
  ],
  [
    "a misspelt operator",
    withSteps({ ...read, expect: { entries: { $lenght: 1 } } }),
    'no operator "$lenght": did you mean "$length"?',
  ],
  ["no node", withSteps({ ...read, node: "A1" }), '"node" must be the name of a node'],
  [
    "two outcomes",
    withSteps({ ...read, expect: 1, rejects: true }),
    '"call" can have one of expect and rejects',
  ],
  ["no time", withSteps({ pass: "a while" }), '"pass" must be a time such as "450 ms"'],
  ["no time to wait", withSteps({ ...read, within: "3 weeks" }), '"within" must be a time such as'],
  [
    "a view that is none",
    withSteps({ node: "a", heard: "entrys", of: "r", expect: [] }),
    'nothing is heard of "entrys"',
  ],
  [
    "a view without its room",
    withSteps({ node: "a", heard: "entries", expect: [] }),
    '"entries" needs the room in "of"',
  ],
  [
    "a service that does otherwise",
    withSteps({ service: "pause" }),
    '"service" must be one of stop, start, wipe',
  ],
  [
    "a typo inside a loop",
    withSteps({ for: { i: { from: 1, to: 9 } }, steps: [{ together: [{ ...read, call: "raed" }] }] }),
    'step 1: a broker has no call "raed"',
  ],
  [
    "a loop over nothing",
    withSteps({ for: { i: { from: 2, to: 1 } }, steps: [read] }),
    'step 1: "i" must be a list of values, or {"from":…,"to":…} with whole numbers',
  ],
])("%s is named, with file, case and step", (_what, text, problem) => {
  expect(problemOf(text)).toContain(problem);
});

test("a file that is no topic is named", () => {
  expect(problemOf("[]", "apend.json")).toContain("apend.json: there is no such topic");
});

test("loops are written out", () => {
  const loop = {
    for: { i: { from: 1, to: 3 }, node: ["a", "b"] },
    steps: [
      { node: "$node", data: "${i} of ${node}", at: "$i", list: [{ $for: { k: [1, 2] }, of: "${k}${i}" }] },
    ],
  };
  expect(unroll(loop)).toEqual({
    steps: [
      { node: "a", data: "1 of a", at: 1, list: ["11", "21"] },
      { node: "b", data: "2 of b", at: 2, list: ["12", "22"] },
      { node: "a", data: "3 of a", at: 3, list: ["13", "23"] },
    ],
  });
});
