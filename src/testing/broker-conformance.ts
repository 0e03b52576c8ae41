import { offers, type BrokerBench } from "./conformance/bench.ts";
import { loadScripts } from "./conformance/load-scripts.ts";
import { playScript } from "./conformance/player.ts";
import { timeoutMsOf } from "./conformance/timeout.ts";

export type { BrokerBench } from "./conformance/bench.ts";

/** One thing the contract demands. */
export interface ConformanceCase {
  /** A sentence: what holds. */
  readonly name: string;
  /** How long it may take, for the test runner: twice what it is expected to take at most. */
  readonly timeoutMs: number;
  /** Rejects with an `Error` that says what was expected and what was there instead. */
  readonly run: () => Promise<void>;
}

/**
 * What a broker has to do, as test cases for any test runner: run all of them, one after the other, over one service.
 * Each uses rooms and sessions of its own, so the service need not be emptied in between. Cases that need what the bench
 * does not offer (a second node, a crash, an outage) are left out.
 *
 * @example
 * const bench: BrokerBench = { nodes: 1, forgets: true, open: () => memory() };
 * for (const { name, run, timeoutMs } of brokerConformance(bench)) test(name, run, timeoutMs);
 */
export function brokerConformance(bench: BrokerBench): ConformanceCase[] {
  return loadScripts()
    .filter(({ needs }) => needs.every((need) => offers(bench, need)))
    .map((script) => ({
      name: `${script.topic}: ${script.about}`,
      timeoutMs: timeoutMsOf(script, bench),
      run: () => playScript(bench, script),
    }));
}
