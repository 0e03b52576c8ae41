import type { JsonObject } from "../../conformance/case.ts";
import type { BrokerBench } from "./bench.ts";
import { durationMs } from "./duration.ts";
import type { Script } from "./script.ts";
import { roundCount } from "./unroll.ts";

/** What a case may take that waits for nothing. */
const ampleMs = 20_000;
/** What a service may take to end or to come back, until all nodes have seen it. */
const serviceMs = 35_000;

/** How long a case may take: twice what it is expected to take at most. */
export function timeoutMsOf({ steps }: Script, bench: BrokerBench): number {
  return ampleMs + waitMsOf(steps, bench);
}

function waitMsOf(steps: readonly JsonObject[], bench: BrokerBench): number {
  return steps.reduce((sumMs, step) => sumMs + stepMsOf(step, bench), 0);
}

function stepMsOf(step: JsonObject, bench: BrokerBench): number {
  const { pass, service, within, steps = [], for: variables } = step;
  if (pass !== undefined) return 2 * durationMs(pass as string, bench);
  if (service !== undefined) return serviceMs;
  const ownMs = within === undefined ? 0 : durationMs(within as string, bench);
  const rounds = variables === undefined ? 1 : roundCount(variables);
  return ownMs + rounds * waitMsOf(steps as JsonObject[], bench);
}
