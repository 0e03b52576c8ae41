import { shownValue } from "../../base/options.ts";
import type { JsonObject, Level } from "../../conformance/case.ts";
import type { StepOf } from "../../conformance/form.ts";
import { knownNeeds, type Need } from "./bench.ts";
import { callProblem } from "./broker-calls.ts";
import { isDuration } from "./duration.ts";
import { viewProblem } from "./views.ts";

/** One case of a broker's conformance, as a file of `spec/broker` has it, checked. */
export interface Script {
  /** `<topic>/<name>`. */
  readonly id: string;
  readonly topic: string;
  readonly level: Level;
  /** One sentence that says what has to hold. */
  readonly about: string;
  readonly needs: readonly Need[];
  /** How many nodes there are at the start, `a` and `b`. Where there can be only one, it is both. */
  readonly nodes: 0 | 1 | 2;
  /** As they stand in the file: {@link unroll} makes {@link ScriptStep}s of them. */
  readonly steps: readonly JsonObject[];
}

// A build emits each declaration by itself, and so wants a type said that lint finds plain.
/* oxlint-disable typescript/no-unnecessary-type-assertion */
/** The forms of steps, by verb. `spec/BROKER.md` says what each does. */
export const stepForms = {
  start: {
    verb: "node",
    optional: { rejects: "flag", within: "text" },
    check: withinProblem as typeof withinProblem,
  },
  stop: { verb: "node", optional: { within: "text" }, check: withinProblem as typeof withinProblem },
  crash: { verb: "node" },
  call: {
    verb: "text",
    required: { node: "node", args: "object" },
    optional: {
      expect: "any",
      until: "any",
      rejects: "flag",
      settles: "flag",
      insist: "flag",
      within: "text",
    },
    check: stepCallProblem as typeof stepCallProblem,
  },
  pages: { verb: "text", required: { node: "node", limit: "whole", expect: "any" } },
  heard: {
    verb: "text",
    required: { node: "node" },
    optional: { of: "text", expect: "any", until: "any", needs: "list", within: "text" },
    oneOf: ["expect", "until"],
    check: heardProblem as typeof heardProblem,
  },
  complete: { verb: "text", required: { node: "node", after: "any", to: "whole" } },
  follow: { verb: "text", required: { node: "node" } },
  followed: { verb: "text", required: { node: "node", until: "any" } },
  steps: { verb: "steps" },
  together: {
    verb: "steps",
    optional: { answers: "any", within: "text" },
    check: withinProblem as typeof withinProblem,
  },
  repeat: { verb: "steps", required: { until: "steps" } },
  let: { verb: "object" },
  service: { verb: "text", check: serviceProblem as typeof serviceProblem },
  pass: { verb: "text", check: passProblem as typeof passProblem },
} as const;
/* oxlint-enable typescript/no-unnecessary-type-assertion */

export type Verb = keyof typeof stepForms;

/** A step with this verb. */
export type StepWith<Name extends Verb> = StepOf<typeof stepForms, Name>;

export type ScriptStep = { readonly [Name in Verb]: StepWith<Name> }[Verb];

const serviceFaults = ["stop", "start", "wipe"];

/** What is wrong with the needs of a case or a step; null where nothing is. */
export function needsProblem(needs: unknown = []): string | null {
  if (!Array.isArray(needs)) return "needs must be an array";
  const strange = needs.find((need) => !(knownNeeds as readonly unknown[]).includes(need));
  if (strange === undefined) return null;
  return `nothing is known of the need ${shownValue(strange)}. Needs are: ${knownNeeds.join(", ")}`;
}

function stepCallProblem(step: JsonObject): string | null {
  return callProblem(step["call"], step["args"] as JsonObject) ?? outcomeProblem(step);
}

function heardProblem(step: JsonObject): string | null {
  return viewProblem(step) ?? needsProblem(step["needs"]) ?? withinProblem(step);
}

function passProblem({ pass }: JsonObject): string | null {
  return durationProblem("pass", pass);
}

/** A call has one outcome that is right. */
function outcomeProblem(step: JsonObject): string | null {
  const given = ["expect", "until", "rejects", "settles"].filter((name) => Object.hasOwn(step, name));
  if (given.length > 1) return `"call" can have one of ${given.join(" and ")}, not both`;
  return withinProblem(step);
}

function withinProblem({ within: given }: JsonObject): string | null {
  return given === undefined ? null : durationProblem("within", given);
}

function durationProblem(name: string, given: unknown): string | null {
  if (isDuration(given)) return null;
  return `"${name}" must be a time such as "450 ms", "10 s", "2 leases" or "0.25 session-ttls", not ${shownValue(given)}`;
}

function serviceProblem({ service }: JsonObject): string | null {
  if (serviceFaults.includes(String(service))) return null;
  return `"service" must be one of ${serviceFaults.join(", ")}, not ${shownValue(service)}`;
}
