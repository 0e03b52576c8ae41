import { nearest } from "../base/options.ts";
import type { JsonObject } from "./case.ts";
import { knownOperators } from "./operators.ts";

/** What the fields of a step may hold. */
interface FieldTypes {
  /** The name of a socket: a capital letter, then letters and digits. */
  readonly socket: string;
  /** The name of a session: small letters and digits. */
  readonly session: string;
  /** The name of a node: small letters and digits. */
  readonly node: string;
  readonly text: string;
  readonly whole: number;
  readonly flag: boolean;
  readonly object: JsonObject;
  readonly list: readonly unknown[];
  /** Steps of the same forms. */
  readonly steps: readonly JsonObject[];
  readonly any: unknown;
}

export type FieldKind = keyof FieldTypes;
type Fields = Readonly<Record<string, FieldKind>>;

/** Which fields a step has beside its verb, and what they hold. */
export interface StepForm {
  /** What stands behind the verb itself. */
  readonly verb: FieldKind;
  readonly required?: Fields;
  readonly optional?: Fields;
  /** Of these optional fields exactly one is there. */
  readonly oneOf?: readonly string[];
  /** Checks that go beyond the form: gives what is wrong, or null. */
  readonly check?: (step: JsonObject) => string | null;
}

/** The forms of a mode's steps, by verb. */
export type StepForms = Readonly<Record<string, StepForm>>;

type Values<F> = { readonly [Name in keyof F]: F[Name] extends FieldKind ? FieldTypes[F[Name]] : never };
type RequiredOf<F> = F extends { readonly required: infer R } ? Values<R> : unknown;
type OptionalOf<F> = F extends { readonly optional: infer O } ? Partial<Values<O>> : unknown;

/** A step as its form promises it. */
export type StepOf<Forms extends StepForms, Verb extends keyof Forms> = {
  readonly [Name in Verb]: FieldTypes[Forms[Verb]["verb"]];
} & RequiredOf<Forms[Verb]> &
  OptionalOf<Forms[Verb]>;

const checks: { readonly [Kind in FieldKind]: { readonly what: string; fits(value: unknown): boolean } } = {
  socket: {
    what: 'the name of a socket, such as "A"',
    fits: (value) => isText(value, /^[A-Z][A-Za-z0-9]*$/),
  },
  session: { what: 'the name of a session, such as "a"', fits: (value) => isText(value, /^[a-z][a-z0-9]*$/) },
  node: { what: 'the name of a node, such as "a"', fits: (value) => isText(value, /^[a-z][a-z0-9]*$/) },
  text: { what: "a string", fits: (value) => typeof value === "string" },
  whole: { what: "a whole number", fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0 },
  flag: { what: "true or false", fits: (value) => typeof value === "boolean" },
  object: { what: "an object", fits: isObject },
  list: { what: "an array", fits: (value) => Array.isArray(value) },
  steps: { what: "an array of steps", fits: (value) => Array.isArray(value) },
  any: { what: "any value", fits: () => true },
};

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The verb of a step that was checked. */
export function verbOf(forms: StepForms, step: JsonObject): string {
  return Object.keys(step).find((name) => Object.hasOwn(forms, name)) ?? "";
}

/** What is wrong with a step; null where nothing is. */
export function stepProblem(forms: StepForms, step: unknown): string | null {
  if (!isObject(step)) return "a step is an object with one verb";
  const verbs = Object.keys(step).filter((name) => Object.hasOwn(forms, name));
  if (verbs.length > 1) return `a step has one verb, not ${verbs.join(" and ")}`;
  const [verb] = verbs;
  const form = verb === undefined ? undefined : forms[verb];
  if (verb === undefined || !form) {
    const [first = ""] = Object.keys(step);
    return `no known verb: ${nearest(first, forms)} Verbs are: ${Object.keys(forms).join(", ")}`;
  }
  return (
    fieldProblem(form, verb, step) ??
    nestedProblem(forms, form, verb, step) ??
    operatorProblem(step) ??
    form.check?.(step) ??
    null
  );
}

function fieldProblem(form: StepForm, verb: string, step: JsonObject): string | null {
  const required: Fields = { [verb]: form.verb, ...form.required };
  const known: Fields = { ...required, ...form.optional };
  for (const [name, value] of Object.entries(step)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!kind)
      return `"${verb}" has no field ${nearest(name, known)} Fields are: ${Object.keys(known).join(", ")}`;
    if (!checks[kind].fits(value))
      return `"${name}" must be ${checks[kind].what}, not ${JSON.stringify(value)}`;
  }
  const missing = Object.keys(required).find((name) => !Object.hasOwn(step, name));
  if (missing !== undefined) return `"${verb}" needs the field "${missing}"`;
  const { oneOf } = form;
  if (oneOf && oneOf.filter((name) => Object.hasOwn(step, name)).length !== 1)
    return `"${verb}" needs exactly one of ${oneOf.join(", ")}`;
  return null;
}

/** What is wrong with the steps inside a step. */
function nestedProblem(forms: StepForms, form: StepForm, verb: string, step: JsonObject): string | null {
  const kinds: Fields = { [verb]: form.verb, ...form.required, ...form.optional };
  for (const [name, kind] of Object.entries(kinds)) {
    if (kind !== "steps") continue;
    for (const inner of (step[name] ?? []) as readonly unknown[]) {
      const problem = stepProblem(forms, inner);
      if (problem) return problem;
    }
  }
  return null;
}

/** A misspelt operator would otherwise be a field that nobody sends. */
function operatorProblem(value: unknown): string | null {
  if (Array.isArray(value)) return firstProblem(value);
  if (!isObject(value)) return null;
  const operator = Object.keys(value).find((name) => name.startsWith("$"));
  if (operator !== undefined) {
    if (!Object.hasOwn(knownOperators, operator))
      return `no operator ${nearest(operator, knownOperators)} Operators are: ${Object.keys(knownOperators).join(", ")}`;
    const strange = Object.keys(value).find((name) => name !== operator && name !== knownOperators[operator]);
    if (strange !== undefined) return `"${strange}" can't stand beside "${operator}"`;
  }
  return firstProblem(Object.values(value));
}

function firstProblem(values: readonly unknown[]): string | null {
  for (const value of values) {
    const problem = operatorProblem(value);
    if (problem) return problem;
  }
  return null;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}
