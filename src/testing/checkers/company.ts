import type { Step } from "../history.ts";
import type { Violation } from "./violation.ts";

/** Close codes that a client of ours gives no reason for. */
const undeserved = new Map([
  [1009, "for a frame that was too large"],
  [4400, "for breaking the protocol"],
  [4403, "on purpose"],
  [4529, "for sending too fast"],
]);

/** No server closes the connection of a client that did nothing to deserve it, whatever others do. */
export function checkTurnedOut(steps: readonly Step[]): Violation[] {
  return steps.flatMap((step): Violation[] => {
    if (step.type !== "turned-out" || isIntruder(step.device)) return [];
    const { device, code, atMs } = step;
    const why = code === 4513 && !step.wasSlow ? "for reading too slowly" : undeserved.get(code);
    return why === undefined
      ? []
      : [{ checker: "turned out", message: `${device} was closed ${why} (${code})`, atMs }];
  });
}

/** Somebody whom nothing is owed. */
export function isIntruder(device: string): boolean {
  return device === "thief" || device === "flooder";
}

/** Nobody opens a session with less than its secret and its owner's token. */
export function checkThefts(steps: readonly Step[]): Violation[] {
  const owned = new Set<string>();
  const tried = new Set<string>();
  return steps.flatMap((step): Violation[] => {
    if (step.type === "status") owned.add(step.session);
    if (step.type === "theft") tried.add(`${step.session} ${step.generation}`);
    if (step.type !== "opened" || !owned.has(step.session)) return [];
    if (!tried.has(`${step.session} ${step.generation}`)) return [];
    return [{ checker: "thefts", message: `${step.session} was opened by a thief`, atMs: step.atMs }];
  });
}
