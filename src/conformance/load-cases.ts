import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest, shownValue } from "../base/options.ts";
import { knownTags, levels, sections, type ConformanceCase, type Level } from "./case.ts";
import { isObject, stepProblem, type StepForms } from "./form.ts";

/** The folder `spec` of this package. */
export const specFolder: string = fileURLToPath(new URL("../../spec/", import.meta.url));

/** One side of the protocol: whose cases these are. */
export interface Side {
  readonly name: "server" | "client";
  readonly forms: StepForms;
  /** Names that a case's `config` may have, as the keys of an object. */
  readonly config: object;
}

/** Case files that can't be used. Its message names each problem with file, case and step, one a line. */
export class CaseFileError extends Error {
  override readonly name: string = "CaseFileError";
}

/**
 * Reads the cases of one side from a folder of `<section>.json` files, in the order of the sections. Throws a
 * {@link CaseFileError} that names everything that is wrong with them.
 */
export function loadCases(
  side: Side,
  folder: string = join(specFolder, "cases", side.name),
): ConformanceCase[] {
  const problems: string[] = [];
  const cases = listFiles(folder).flatMap((file) => readCases(side, join(folder, file), file, problems));
  const seen = new Set<string>();
  for (const { id } of cases) {
    if (seen.has(id)) problems.push(`case "${id}" is there twice`);
    seen.add(id);
  }
  if (cases.length === 0 && problems.length === 0) problems.push(`${folder} has no cases`);
  if (problems.length > 0) throw new CaseFileError(problems.join("\n"));
  return cases;
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort((a, b) => placeOf(a) - placeOf(b));
  } catch (error) {
    throw new CaseFileError(`the folder of cases can't be read: ${(error as Error).message}`);
  }
}

function placeOf(file: string): number {
  return (sections as readonly string[]).indexOf(file.replace(/\.json$/, ""));
}

function readCases(side: Side, path: string, file: string, problems: string[]): ConformanceCase[] {
  const section = file.replace(/\.json$/, "");
  if (!(sections as readonly string[]).includes(section)) {
    problems.push(`${file}: there is no section "${section}". Sections are: ${sections.join(", ")}`);
    return [];
  }
  const list = parse(path, file, problems);
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    problems.push(`${file}: a file of cases is one array, not ${typeof list}`);
    return [];
  }
  return list.flatMap((given: unknown, index) => {
    const name =
      isObject(given) && typeof given["id"] === "string" ? `"${given["id"]}"` : `number ${index + 1}`;
    const wrong = caseProblems(side, section, given).map((problem) => `${file}, case ${name}${problem}`);
    problems.push(...wrong);
    return wrong.length > 0 ? [] : [toCase(given as GivenCase, section)];
  });
}

function parse(path: string, file: string, problems: string[]): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch (error) {
    problems.push(`${file}: ${(error as Error).message}`);
    return undefined;
  }
}

interface GivenCase {
  readonly id: string;
  readonly level: Level;
  readonly about: string;
  readonly tags?: readonly string[];
  readonly config?: ConformanceCase["config"];
  readonly alone?: boolean;
  readonly steps: ConformanceCase["steps"];
}

const caseFields: { readonly [Name in keyof GivenCase]-?: 1 } = {
  id: 1,
  level: 1,
  about: 1,
  tags: 1,
  config: 1,
  alone: 1,
  steps: 1,
};

function toCase(
  { tags = [], config = {}, alone = false, ...given }: GivenCase,
  section: string,
): ConformanceCase {
  return { ...given, section, tags, config, alone };
}

/** Each begins with what follows the case's name. */
function caseProblems(side: Side, section: string, given: unknown): string[] {
  if (!isObject(given)) return [": a case is an object"];
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(caseFields, name))
    .map(
      (name) => `: no field ${nearest(name, caseFields)} Fields are: ${Object.keys(caseFields).join(", ")}`,
    );
  const { id, level, about, tags = [], config = {}, alone = false, steps } = given;
  const prefix = side.name === "client" ? `client/${section}/` : `${section}/`;
  if (typeof id !== "string" || !id.startsWith(prefix) || !/^[a-z0-9-]+$/.test(id.slice(prefix.length)))
    problems.push(`: its id must be "${prefix}" and small letters, digits, hyphens, not ${shownValue(id)}`);
  if (!levels.includes(level as Level))
    problems.push(`: its level must be one of ${levels.join(", ")}, not ${shownValue(level)}`);
  if (typeof about !== "string" || about.trim() === "") problems.push(": it needs a sentence in about");
  if (typeof alone !== "boolean") problems.push(`: alone must be true or false, not ${shownValue(alone)}`);
  return [...problems, ...tagProblems(tags), ...configProblems(side, config), ...stepProblems(side, steps)];
}

function stepProblems({ forms }: Side, steps: unknown): string[] {
  if (!Array.isArray(steps) || steps.length === 0) return [": it needs steps"];
  return steps.flatMap((step: unknown, index) => {
    const problem = stepProblem(forms, step);
    return problem ? [`, step ${index + 1}: ${problem}`] : [];
  });
}

function tagProblems(tags: unknown): string[] {
  if (!Array.isArray(tags)) return [": tags must be an array"];
  return tags
    .filter((tag) => !(knownTags as readonly unknown[]).includes(tag))
    .map((tag) => `: no tag ${shownValue(tag)}. Tags are: ${knownTags.join(", ")}`);
}

function configProblems({ config: known }: Side, config: unknown): string[] {
  if (!isObject(config)) return [": config must be an object"];
  return Object.keys(config)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => `: config has no ${nearest(name, known)} It may have: ${Object.keys(known).join(", ")}`);
}
