import type { Step } from "../history.ts";
import { isIntruder } from "./company.ts";
import type { Log } from "./log.ts";
import type { Violation } from "./violation.ts";

/** In so much time, */
const stormMs = 10_000;
/** a device may dial, or ask for a token, so often: at once after what a user does, and else after ever longer waits. */
const dialsMax = 60;

/** Nothing is stored under another user than the one who used the device when it was published. */
export function checkOwners(steps: readonly Step[], log: Log): Violation[] {
  const owners = new Map<string, string>();
  for (const step of steps)
    if (step.type === "publish" && typeof step.user === "string" && step.id) owners.set(step.id, step.user);
  return log.entries.flatMap(({ id, from, atMs }): Violation[] => {
    const owner = owners.get(id);
    if (owner === undefined || owner === from) return [];
    return [{ checker: "owners", message: `${id} of ${owner} was stored as ${from}'s`, atMs }];
  });
}

/** Whatever goes wrong, clients wait longer and longer before they try again. */
export function checkDials(steps: readonly Step[]): Violation[] {
  const dials = new Map<string, number[]>();
  for (const step of steps) {
    if (step.type !== "dial" || isIntruder(step.device)) continue;
    const known = dials.get(step.device);
    if (known) known.push(step.atMs);
    else dials.set(step.device, [step.atMs]);
  }
  return [...dials].flatMap(([device, moments]): Violation[] => {
    const first = moments.findIndex(
      (atMs, index) => atMs - (moments[index - dialsMax] ?? -Infinity) < stormMs,
    );
    if (first < 0) return [];
    const message = `${device} dialled more than ${dialsMax} times in ${stormMs} ms`;
    return [{ checker: "dials", message, atMs: moments[first] as number }];
  });
}
