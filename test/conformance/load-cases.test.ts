import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { knownTags } from "../../src/conformance/case.ts";
import { clientSide } from "../../src/conformance/client/client-forms.ts";
import { CaseFileError, loadCases } from "../../src/conformance/load-cases.ts";
import { serverSide } from "../../src/conformance/server-forms.ts";

const sound = {
  id: "frames/x",
  level: "MUST",
  about: "It holds.",
  steps: [{ hello: "A" }, { quiet: "A" }],
};

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-cases-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string, file = "frames.json"): unknown {
  writeFileSync(join(folder, file), text);
  return loadCases(serverSide, folder);
}

const steps = (...list: unknown[]): object => ({ ...sound, steps: list });

test("a sound case is loaded, with what it leaves out", () => {
  expect(load(JSON.stringify([sound]))).toEqual([
    { ...sound, section: "frames", tags: [], config: {}, alone: false },
  ]);
});

test("the cases of the package are sound, and every tag is of some", () => {
  const cases = [...loadCases(serverSide), ...loadCases(clientSide)];
  expect(new Set(cases.flatMap(({ tags }) => tags))).toEqual(new Set(knownTags));
});

test.each([
  [
    "a step's verb",
    steps({ helo: "A" }),
    'case "frames/x", step 1: no known verb: "helo": did you mean "hello"?',
  ],
  ["no verb", steps({}), "step 1: no known verb"],
  ["two verbs", steps({ quiet: "A", pong: "A" }), "step 1: a step has one verb, not quiet and pong"],
  [
    "a field",
    steps({ hello: "A", romms: [] }),
    'step 1: "hello" has no field "romms": did you mean "rooms"?',
  ],
  ["a missing field", steps({ send: "A" }), 'step 1: "send" needs the field "frame"'],
  ["a field's type", steps({ send: "A", frame: [] }), 'step 1: "frame" must be an object, not []'],
  ["a socket's name", steps({ quiet: "a" }), 'step 1: "quiet" must be the name of a socket'],
  ["neither of two", steps({ expect: "A" }), 'step 1: "expect" needs exactly one of frame, anyOrder'],
  [
    "an operator",
    steps({ expect: "A", frame: { at: { $si: "number" } } }),
    'no operator "$si": did you mean "$is"?',
  ],
  [
    "beside an operator",
    steps({ expect: "A", frame: { at: { $is: "x", y: 1 } } }),
    '"y" can\'t stand beside "$is"',
  ],
  ["a control call", steps({ control: { call: "publsh" } }), 'no call "publsh": did you mean "publish"?'],
  [
    "a call's field",
    steps({ control: { call: "kick", usr: "a" } }),
    'has no field "usr": did you mean "user"?',
  ],
  ["a call's missing field", steps({ control: { call: "kick" } }), 'the call "kick" needs the field "user"'],
  ["the second step", steps({ hello: "A" }, 3), "step 2: a step is an object with one verb"],
  ["an id of another section", { ...sound, id: "rooms/x" }, 'its id must be "frames/"'],
  ["an id's letters", { ...sound, id: "frames/X y" }, "small letters, digits, hyphens"],
  ["a level", { ...sound, level: "must" }, 'its level must be one of MUST, SHOULD, MAY, not "must"'],
  ["no sentence", { ...sound, about: " " }, "it needs a sentence in about"],
  ["no steps", { ...sound, steps: [] }, "it needs steps"],
  ["a field of the case", { ...sound, tag: ["redis"] }, 'no field "tag": did you mean "tags"?'],
  ["a tag", { ...sound, tags: ["redsi"] }, 'no tag "redsi"'],
  [
    "a name of the config",
    { ...sound, config: { limit: {} } },
    'config has no "limit": did you mean "limits"?',
  ],
  ["alone", { ...sound, alone: "yes" }, 'alone must be true or false, not "yes"'],
  ["no object", 3, "case number 1: a case is an object"],
])("a case file with a fault in %s is refused with its name", (_what, given, message) => {
  const attempt = (): unknown => load(JSON.stringify([given]));
  expect(attempt).toThrow(CaseFileError);
  expect(attempt).toThrow(`frames.json, case`);
  expect(attempt).toThrow(message);
});

test.each([
  ["no JSON", "[{]", "frames.json", "frames.json: "],
  ["no array", "{}", "frames.json", "frames.json: a file of cases is one array"],
  ["an unknown section", "[]", "frame.json", 'there is no section "frame". Sections are: transport'],
  ["no cases", "[]", "frames.json", "has no cases"],
  ["an id twice", JSON.stringify([sound, sound]), "frames.json", 'case "frames/x" is there twice'],
])("%s is told", (_what, text, file, message) => {
  expect(() => load(text, file)).toThrow(message);
});

test("all faults are told at once", () => {
  const text = JSON.stringify([steps({ helo: "A" }), { ...sound, id: "frames/y", level: 1 }]);
  expect(() => load(text)).toThrow(/frames\/x[^]*\n[^]*frames\/y/);
});

test("a folder that is not there is told", () => {
  expect(() => loadCases(serverSide, join(folder, "none"))).toThrow("the folder of cases can't be read");
});
