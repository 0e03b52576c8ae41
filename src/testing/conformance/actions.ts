import { fail } from "node:assert/strict";
import { mismatch, shown } from "../../conformance/match.ts";
import { makeCall, type CallName } from "./broker-calls.ts";
import type { Cast } from "./cast.ts";
import { ampleBound } from "./scene.ts";
import type { ScriptStep, StepWith } from "./script.ts";

/** What a node is made to do: a call, its start, its stop. */
export type Action = StepWith<"call"> | StepWith<"start"> | StepWith<"stop">;

/** How an action came out. */
type Outcome = { readonly answer: unknown } | { readonly error: unknown };

/** How long an action may take that says nothing of it. */
const callMs = 15_000;
/** How often what was rejected is done again, and how long after. */
const insistTimes = 40;
const insistMs = 250;

/** One action, and nothing beside it. */
export async function act(cast: Cast, action: Action): Promise<void> {
  if ("call" in action && action.until !== undefined) return actUntil(cast, action);
  const isInsistent = "call" in action && action.insist === true;
  let outcome = await outcomeOf(cast, action);
  // A node does again what fails, for a service that is just back may still refuse.
  for (let times = 1; isInsistent && "error" in outcome && times < insistTimes; times += 1) {
    await cast.scene.sleep(insistMs);
    outcome = await outcomeOf(cast, action);
  }
  judge(cast, action, outcome);
}

/** Several actions at once: all are begun, in their order, before any is waited for. */
export async function actTogether(cast: Cast, step: StepWith<"together">): Promise<void> {
  const actions = actionsOf(step.together as ScriptStep[]);
  const begun = actions.map((action) => begin(cast, action));
  const title = `one of ${actions.length} calls at once`;
  const outcomes = await cast.scene.within(cast.ms(step.within, callMs), Promise.all(begun), title);
  for (const [index, action] of actions.entries()) judge(cast, action, outcomes[index] as Outcome);
  if (step.answers === undefined) return;
  const answers = outcomes.map((outcome) => ("answer" in outcome ? outcome.answer : null));
  cast.match(step.answers, answers, "the answers");
}

function actionsOf(steps: readonly ScriptStep[]): Action[] {
  return steps.flatMap((step) => {
    if ("steps" in step) return actionsOf(step.steps as ScriptStep[]);
    if ("call" in step || "start" in step || "stop" in step) return [step];
    return fail(`only calls, starts and stops can be made together, not ${shown(step)}`);
  });
}

async function actUntil(cast: Cast, step: StepWith<"call">): Promise<void> {
  await cast.until(titleOf(step), step.within, async () => {
    const outcome = await outcomeOf(cast, step);
    if (!("error" in outcome)) return mismatch(step.until, outcome.answer, cast.scope);
    if (!step.insist) throw outcome.error;
    return `it was rejected: ${String(outcome.error)}`;
  });
}

function outcomeOf(cast: Cast, action: Action): Promise<Outcome> {
  // What waits for an answer until it is the right one looks more than once.
  const within = "until" in action ? undefined : action.within;
  return cast.scene.within(cast.ms(within, callMs), begin(cast, action), titleOf(action));
}

/** Never rejects. What is to be sent is sent when this returns. */
function begin(cast: Cast, action: Action): Promise<Outcome> {
  return perform(cast, action).then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
}

function perform(cast: Cast, action: Action): Promise<unknown> {
  if ("start" in action) return start(cast, action.start);
  if ("stop" in action) return cast.scene.stop(cast.node(action.stop)).then(() => null);
  const name = action.call as CallName;
  const args = cast.scope.fill(action.args) as object;
  const isBounded = name === "append" || name === "subscribe";
  const whole = isBounded ? { bound: ampleBound, ...args } : args;
  return makeCall(cast.node(action.node).broker, name, whole as never);
}

async function start(cast: Cast, name: string): Promise<null> {
  const node = await cast.scene.open();
  cast.name(name, node);
  await node.broker.start(node.heard.sink, node.id);
  return null;
}

function judge(cast: Cast, action: Action, outcome: Outcome): void {
  if ("call" in action && action.settles) return;
  const title = titleOf(action);
  const isToReject = "rejects" in action && action.rejects === true;
  if ("error" in outcome) {
    if (!isToReject) throw outcome.error;
    if (!(outcome.error instanceof Error)) fail(`${title} was rejected with ${shown(outcome.error)}`);
    return;
  }
  if (isToReject) fail(`${title} should be rejected, and was answered with ${shown(outcome.answer)}`);
  if ("expect" in action) cast.match(action.expect, outcome.answer, `the answer of ${title}`);
}

function titleOf(action: Action): string {
  if ("call" in action) return `${action.call} at node ${action.node}`;
  return "start" in action ? `the start of node ${action.start}` : `the stop of node ${action.stop}`;
}
