import type { Awaitable } from "../../base/awaitable.ts";
import type { Broker } from "../../server/broker.ts";

/** What the conformance suite needs to put a broker to the test. */
export interface BrokerBench {
  /**
   * Makes the broker of another node over the same service. The suite starts it, with a node id of its own, and stops it
   * at the end of the case.
   */
  readonly open: () => Awaitable<Broker>;
  /** How many nodes can be over one service at a time. Default `"many"`. */
  readonly nodes?: 1 | "many";
  /** Set when a broker that stops takes everything with it, as the memory broker does. Default false. */
  readonly forgets?: boolean;
  /** How long a node that says nothing counts as alive. Give it few seconds at most: several cases wait for its end. */
  readonly leaseMs?: number;
  /**
   * The brokers' bound on a session that is not renewed. Give it few seconds: one case waits three times as long, and
   * the others make some hundred calls in it. Without it, the case is left out.
   */
  readonly sessionTtlMs?: number;
  /**
   * The node of this broker dies without a word: nothing is sent any more, and nothing comes in. The suite does not stop
   * it afterwards.
   */
  readonly crash?: (broker: Broker) => Awaitable<void>;
  /** Ends the service, as a crash does; resolves when it can't be reached. With {@link BrokerBench.startService}. */
  readonly stopService?: () => Awaitable<void>;
  /** Starts it again, where it was, with what it had stored or with nothing. Does nothing when it is running. */
  readonly startService?: (how: { readonly keepData: boolean }) => Awaitable<void>;
  /** Lets time pass. Default: real time. For a service on a virtual clock. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/**
 * What a case may need: several nodes, data that outlives its node, a lease, a bound on sessions that are not renewed, nodes
 * that can crash, a service that can be stopped.
 */
export const knownNeeds = ["nodes", "lasting", "lease", "session-ttl", "crash", "service"] as const;

export type Need = (typeof knownNeeds)[number];

/** Lease that a bench has when it names none. */
const defaultLeaseMs = 10_000;

export function leaseMsOf({ leaseMs = defaultLeaseMs }: BrokerBench): number {
  return leaseMs;
}

const judges: { readonly [Name in Need]: (bench: BrokerBench) => boolean } = {
  nodes: ({ nodes = "many" }) => nodes === "many",
  lasting: ({ forgets = false }) => !forgets,
  lease: ({ leaseMs }) => leaseMs !== undefined,
  "session-ttl": ({ sessionTtlMs }) => sessionTtlMs !== undefined,
  crash: ({ crash }) => crash !== undefined,
  service: ({ stopService, startService }) => stopService !== undefined && startService !== undefined,
};

/** Whether a bench offers what a case needs. */
export function offers(bench: BrokerBench, need: Need): boolean {
  return judges[need](bench);
}
