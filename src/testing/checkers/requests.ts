import type { Step } from "../history.ts";
import type { Violation } from "./violation.ts";

interface Call {
  readonly json: string;
  readonly idempotent: boolean;
  runs: number;
}

/** Codes after which a request can never have run, nor ever will. */
const neverRan = new Set(["TIMEOUT", "OUTBOX_FULL", "INVALID", "UNKNOWN_REQUEST", "PAYLOAD_TOO_LARGE"]);

/**
 * A request runs once at most, unless it is idempotent; a reply came from a run; what timed out never runs. Calls are
 * told apart by their input, so each needs one of its own; `matches` says whether a reply belongs to an input.
 */
export function checkRequests(
  steps: readonly Step[],
  matches: (input: string, reply: string) => boolean,
): Violation[] {
  const calls = new Map<number, Call>();
  const byInput = new Map<string, Call>();
  const violations: Violation[] = [];
  for (const step of steps) {
    if (step.type === "request") {
      const call: Call = { json: step.json, idempotent: step.idempotent, runs: 0 };
      calls.set(step.call, call);
      byInput.set(`${step.name} ${step.json}`, call);
    }
    const message =
      step.type === "handled"
        ? noteRun(step.name, byInput.get(`${step.name} ${step.input}`))
        : step.type === "reply" && wrongReply(calls.get(step.call), step.json, matches);
    if (message) violations.push({ checker: "requests", message, atMs: step.atMs });
  }
  return [...violations, ...steps.flatMap((step) => ranAfterAll(step, calls))];
}

function noteRun(name: string, call: Call | undefined): string | null {
  if (!call) return null;
  call.runs += 1;
  return call.runs > 1 && !call.idempotent ? `${name} ${call.json} ran ${call.runs} times` : null;
}

function wrongReply(
  call: Call | undefined,
  reply: string,
  matches: (input: string, reply: string) => boolean,
): string | null {
  if (!call) return null;
  if (call.runs === 0) return `${call.json} was answered and never ran`;
  return matches(call.json, reply) ? null : `${call.json} was answered with ${reply}`;
}

function ranAfterAll(step: Step, calls: ReadonlyMap<number, Call>): Violation[] {
  if (step.type !== "failed" || !neverRan.has(step.code)) return [];
  const call = calls.get(step.call);
  if (!call || call.runs === 0) return [];
  return [{ checker: "requests", message: `${call.json} ended with ${step.code}, and ran`, atMs: step.atMs }];
}
