import { appendCases } from "./conformance/append-cases.ts";
import type { BrokerBench } from "./conformance/bench.ts";
import { boundCases } from "./conformance/bound-cases.ts";
import type { CaseDefinition } from "./conformance/case.ts";
import { clusterCases } from "./conformance/cluster-cases.ts";
import { dataCases } from "./conformance/data-cases.ts";
import { deliveryCases } from "./conformance/delivery-cases.ts";
import { ledgerCases } from "./conformance/ledger-cases.ts";
import { outageCases } from "./conformance/outage-cases.ts";
import { presenceCases } from "./conformance/presence-cases.ts";
import { readCases } from "./conformance/read-cases.ts";
import { requestCases } from "./conformance/request-cases.ts";
import { Scene } from "./conformance/scene.ts";
import { sessionCases } from "./conformance/session-cases.ts";

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
  return allCases
    .filter(({ needs }) => needs?.(bench) ?? true)
    .map(({ name, run, timeoutMs = defaultTimeoutMs }) => ({
      name,
      timeoutMs: typeof timeoutMs === "number" ? timeoutMs : timeoutMs(bench),
      run: () => Scene.play(bench, run),
    }));
}

const defaultTimeoutMs = 20_000;

const allCases: readonly CaseDefinition[] = [
  ...appendCases,
  ...readCases,
  ...boundCases,
  ...ledgerCases,
  ...deliveryCases,
  ...dataCases,
  ...sessionCases,
  ...requestCases,
  ...presenceCases,
  ...clusterCases,
  ...outageCases,
];
