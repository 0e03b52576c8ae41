import type { Step } from "../history.ts";
import type { Violation } from "./violation.ts";

/** What counts as to be expected in a run. */
export interface ConductRules {
  /** Errors that are the world's doing and not the product's. */
  readonly expectsError: (error: unknown) => boolean;
}

/** Handlers run only for those whom the gate let in. */
export function checkAdmitted(steps: readonly Step[]): Violation[] {
  const admitted = new Set<string>();
  const violations: Violation[] = [];
  for (const step of steps) {
    if (step.type === "admission" && step.user !== null) admitted.add(step.user);
    if (step.type === "handled" && !admitted.has(step.user))
      violations.push({
        checker: "admitted",
        message: `${step.name} ran for ${step.user}, who was never let in`,
        atMs: step.atMs,
      });
  }
  return violations;
}

/** Nothing is reported but what the world did on purpose. */
export function checkErrors(steps: readonly Step[], rules: ConductRules): Violation[] {
  return steps.flatMap((step): Violation[] => {
    if (step.type !== "error" || rules.expectsError(step.error)) return [];
    const { where, stage, atMs } = step;
    return [{ checker: "errors", message: `${where} reported (${stage}): ${describe(step.error)}`, atMs }];
  });
}

/** Whatever was measured stayed inside its bound. */
export function checkBounds(steps: readonly Step[]): Violation[] {
  return steps.flatMap((step): Violation[] => {
    if (step.type !== "measured" || step.value <= step.bound) return [];
    const { what, value, bound, atMs } = step;
    return [{ checker: "bounds", message: `${what} came to ${value}, and may be ${bound}`, atMs }];
  });
}

/** A publish ends with `UNCERTAIN` only if ledgers were lost since the last time nothing was. */
export function checkUncertain(steps: readonly Step[]): Violation[] {
  const lost = new Set<string>();
  /** What was under way for one user is not asked about as another. */
  const changed = new Set<string>();
  let lostAll = false;
  const violations: Violation[] = [];
  for (const step of steps) {
    if (step.type === "user-changed") changed.add(step.device);
    if (step.type === "ledgers-lost" && step.session === null) lostAll = true;
    if (step.type === "ledgers-lost" && step.session !== null) lost.add(step.session);
    if ((step.type !== "rejected" && step.type !== "fate") || step.code !== "UNCERTAIN" || lostAll) continue;
    if (!changed.has(step.device) && !lost.has(step.id.slice(0, step.id.lastIndexOf("-"))))
      violations.push({
        checker: "uncertain",
        message: `${step.id} is UNCERTAIN, and no ledger was lost`,
        atMs: step.atMs,
      });
  }
  return violations;
}

/** A session is not forgotten while its device has been connected all along. */
export function checkRemembered(steps: readonly Step[], sessionTtlMs: number): Violation[] {
  const openSince = new Map<string, number>();
  return steps.flatMap((step): Violation[] => {
    if (step.type === "status" && step.state === "open") openSince.set(step.session, step.atMs);
    else if (step.type === "status") openSince.delete(step.session);
    if (step.type !== "ledgers-lost" || step.session === null || step.isHarm) return [];
    const openMs = step.atMs - (openSince.get(step.session) ?? step.atMs);
    // Half-open connections are noticed within two heartbeats, which is less than any such time.
    if (openMs < sessionTtlMs) return [];
    const message = `${step.session} was forgotten, and had been connected for ${Math.round(openMs)} ms`;
    return [{ checker: "remembered", message, atMs: step.atMs }];
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
}
