import type { ContenderName } from "../contenders/contender.ts";
import type { Usage } from "../measure.ts";

/** What a load generator is asked to do, once, against one server. */
export type Work =
  | {
      readonly kind: "fan-out";
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
  readonly port: number;
  readonly serverPid: number;
  readonly work: Work;
}

/** What one measurement gave. */
export interface Sample {
  /** The figure that is compared, in the scenario's unit. */
  readonly figure: number;
  /** How many deliveries, round trips, connections or handshakes it stands for. */
  readonly count: number;
  /** Null where the time it took says nothing. */
  readonly usage: Usage | null;
  /** Deliveries that were lost, repeated, out of order or damaged, and broken connections. Empty if all is well. */
  readonly failures: readonly string[];
}
