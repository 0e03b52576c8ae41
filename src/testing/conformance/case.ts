import type { BrokerBench } from "./bench.ts";
import type { Scene } from "./scene.ts";

/** One case of the suite, before it has a bench. */
export interface CaseDefinition {
  readonly name: string;
  /** Whether the bench offers what it takes. Default: it does. */
  readonly needs?: (bench: BrokerBench) => boolean;
  readonly timeoutMs?: number | ((bench: BrokerBench) => number);
  readonly run: (scene: Scene) => Promise<void>;
}

/** Lease that a bench has when it names none. */
export const defaultLeaseMs = 10_000;

export function leaseMsOf({ leaseMs = defaultLeaseMs }: BrokerBench): number {
  return leaseMs;
}

export function hasManyNodes({ nodes = "many" }: BrokerBench): boolean {
  return nodes === "many";
}
