import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest, shownValue } from "../../base/options.ts";
import { levels, type JsonObject, type Level } from "../../conformance/case.ts";
import { isObject, stepProblem } from "../../conformance/form.ts";
import { CaseFileError } from "../../conformance/load-cases.ts";
import { needsProblem, stepForms, type Script } from "./script.ts";
import { substitute, unroll } from "./unroll.ts";

/** The topics, in the order in which they are played; each has a file. */
export const topics = [
  "append",
  "read",
  "bound",
  "ledger",
  "delivery",
  "data",
  "session",
  "request",
  "presence",
  "cluster",
  "outage",
] as const;

const ownFolder = fileURLToPath(new URL("../../../spec/broker/", import.meta.url));

/**
 * Reads the scripts of a folder of `<topic>.json` files. Throws a {@link CaseFileError} that names everything that is wrong
 * with them: file, case and step, one a line.
 */
export function loadScripts(folder: string = ownFolder): Script[] {
  const problems = unknownFiles(folder);
  const scripts = topics.flatMap((topic) => readTopic(folder, topic, problems));
  const seen = new Set<string>();
  for (const { id } of scripts) {
    if (seen.has(id)) problems.push(`case "${id}" is there twice`);
    seen.add(id);
  }
  if (problems.length > 0) throw new CaseFileError(problems.join("\n"));
  return scripts;
}

function unknownFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json") && !(topics as readonly string[]).includes(name.slice(0, -5)))
      .map((name) => `${name}: there is no such topic. Topics are: ${topics.join(", ")}`);
  } catch (error) {
    throw new CaseFileError(`the folder of scripts can't be read: ${(error as Error).message}`);
  }
}

function readTopic(folder: string, topic: string, problems: string[]): Script[] {
  const file = `${topic}.json`;
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(join(folder, file), "utf8"));
  } catch (error) {
    problems.push(`${file}: ${(error as Error).message}`);
    return [];
  }
  if (!Array.isArray(list)) {
    problems.push(`${file}: a file of cases is one array, not ${typeof list}`);
    return [];
  }
  return list.flatMap((given: unknown, index) => {
    const named =
      isObject(given) && typeof given["id"] === "string" ? `"${given["id"]}"` : `number ${index + 1}`;
    const { scripts, wrong } = readCase(topic, given);
    problems.push(...wrong.map((problem) => `${file}, case ${named}${problem}`));
    return wrong.length > 0 ? [] : scripts;
  });
}

const caseFields = { id: 1, level: 1, about: 1, note: 1, needs: 1, nodes: 1, each: 1, steps: 1 };

/** A case of a file, which may stand for several. What is wrong begins with what follows the case's name. */
function readCase(topic: string, given: unknown): { scripts: Script[]; wrong: string[] } {
  if (!isObject(given)) return { scripts: [], wrong: [": a case is an object"] };
  const { each = [{}], ...rest } = given;
  if (!Array.isArray(each) || each.length === 0 || !each.every(isObject))
    return { scripts: [], wrong: [": each must be a list of objects"] };
  const written = each.map((variables: JsonObject) => substitute(rest, variables) as JsonObject);
  const wrong = written.map((it) => caseProblems(topic, it)).find((problems) => problems.length > 0) ?? [];
  return { scripts: wrong.length > 0 ? [] : written.map((it) => toScript(topic, it)), wrong };
}

function caseProblems(topic: string, given: JsonObject): string[] {
  const { id, level, about, note = "", needs = [], nodes = 1 } = given;
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(caseFields, name))
    .map(
      (name) => `: no field ${nearest(name, caseFields)} Fields are: ${Object.keys(caseFields).join(", ")}`,
    );
  if (
    typeof id !== "string" ||
    !id.startsWith(`${topic}/`) ||
    !/^[a-z0-9-]+$/.test(id.slice(topic.length + 1))
  )
    problems.push(
      `: its id must be "${topic}/" and small letters, digits and hyphens, not ${shownValue(id)}`,
    );
  if (!levels.includes(level as Level))
    problems.push(`: its level must be one of ${levels.join(", ")}, not ${shownValue(level)}`);
  if (typeof about !== "string" || about.trim() === "") problems.push(": it needs a sentence in about");
  if (typeof note !== "string") problems.push(`: note must be a text, not ${shownValue(note)}`);
  if (![0, 1, 2].includes(nodes as number))
    problems.push(`: nodes must be 0, 1 or 2, not ${shownValue(nodes)}`);
  const problem = needsProblem(needs);
  if (problem !== null) problems.push(`: ${problem}`);
  return [...problems, ...stepsProblems(given["steps"])];
}

function stepsProblems(steps: unknown): string[] {
  if (!Array.isArray(steps) || steps.length === 0) return [": it needs steps"];
  return steps.flatMap((step: unknown, index) => {
    const problem = writtenOutProblem(step);
    return problem === null ? [] : [`, step ${index + 1}: ${problem}`];
  });
}

function writtenOutProblem(step: unknown): string | null {
  try {
    return stepProblem(stepForms, unroll(step, "first"));
  } catch (error) {
    return (error as Error).message;
  }
}

function toScript(topic: string, given: JsonObject): Script {
  const { id, level, about, needs = [], nodes = 1, steps } = given;
  return { id, topic, level, about, needs, nodes, steps } as Script;
}
