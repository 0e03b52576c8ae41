import type { ContenderName } from "../contenders/contender.ts";
import type { Usage } from "../measure.ts";

/** What a load generator is asked to do, once, against one server or the nodes of a cluster. */
export type Work =
  | {
      readonly kind: "fan-out";
      /** Among which members and publishers are divided evenly. Default 1. */
      readonly rooms?: number;
      readonly members: number;
      readonly publishers: number;
      /** Messages each publisher has under way. */
      readonly outstanding: number;
      readonly warmUpMs: number;
      readonly measuredMs: number;
    }
  | {
      readonly kind: "echo";
      /** Whether the server has to make sure that no request runs twice, which only Bowline can. */
      readonly once: boolean;
      readonly clients: number;
      readonly warmUpMs: number;
      readonly measuredMs: number;
    }
  | {
      /** Every member of every room publishes. */
      readonly kind: "cluster";
      readonly rooms: number;
      readonly membersPerRoom: number;
      /** Messages each member has under way. */
      readonly outstanding: number;
      readonly warmUpMs: number;
      readonly measuredMs: number;
    }
  | {
      readonly kind: "idle-memory";
      readonly before: number;
      readonly connections: number;
      readonly settleMs: number;
    }
  | {
      readonly kind: "connection-storm";
      readonly warmUp: number;
      readonly connections: number;
      readonly atOnce: number;
    };

export interface LoadTask {
  readonly contender: ContenderName;
  /** Where servers listen; clients are spread evenly over them. */
  readonly ports: readonly number[];
  readonly serverPids: readonly number[];
  /** The process whose costs are the figure: the server, or in a cluster the broker. */
  readonly measuredPid: number;
  readonly work: Work;
}

/** What one measurement gave. */
export interface Sample {
  /** The figure that is compared, in the scenario's unit. */
  readonly figure: number;
  /** How many deliveries, publishes, round trips, connections or handshakes it stands for. */
  readonly count: number;
  /** Null where the time it took says nothing. */
  readonly usage: Usage | null;
  /** The same for all servers together: another one than the figure where that is the broker's. */
  readonly serversFigure?: number;
  /** Deliveries that were lost, repeated, out of order or damaged, and broken connections. Empty if all is well. */
  readonly failures: readonly string[];
}
