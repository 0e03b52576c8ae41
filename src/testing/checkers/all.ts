import type { Contract } from "../../contract/contract.ts";
import type { Step } from "../history.ts";
import { BrokerLost } from "../shared-broker.ts";
import { checkAdmitted, checkBounds, checkErrors, checkRemembered, checkUncertain } from "./conduct.ts";
import { checkDeliveries } from "./delivery.ts";
import { checkGenuine, checkKept, checkOffsets, checkSenderOrder, checkStoredOnce, readLog } from "./log.ts";
import { checkRequests } from "./requests.ts";
import type { Violation } from "./violation.ts";

/** What {@link checkAll} needs to know besides the history. */
export interface CheckOptions {
  readonly contract: Contract;
  /** Who may read which room. Default: everybody, all. */
  readonly mayRead?: (device: string, room: string) => boolean;
  /** Devices whose store is written to at once. Default: none. */
  readonly keeps?: (device: string) => boolean;
  /** Ids of the publishes that had not ended when the run did. Default: none. */
  readonly pending?: readonly string[];
  /** How long the broker remembers a session. Default 1 hour. */
  readonly sessionTtlMs?: number;
}

/** Holds a history against every rule that concerns the way there, not where it ended. */
export function checkAll(steps: readonly Step[], options: CheckOptions): Violation[] {
  const { contract, mayRead, keeps = () => false, pending = [], sessionTtlMs = 3_600_000 } = options;
  const log = readLog(steps);
  return [
    ...checkOffsets(log),
    ...checkStoredOnce(steps, log),
    ...checkGenuine(steps, log),
    ...checkSenderOrder(log),
    ...checkDeliveries(steps, log, {
      historyCount: (room) => contract.matchRoom(room)?.definition.history.count ?? Infinity,
      mayAge: false,
      ...(mayRead && { mayRead }),
    }),
    ...checkRequests(steps, sameNumber),
    ...checkAdmitted(steps),
    ...checkErrors(steps, { expectsError: (error) => error instanceof BrokerLost }),
    ...checkBounds(steps),
    ...checkUncertain(steps),
    ...checkKept(steps, log, { keeps, pending: new Set(pending) }),
    ...checkRemembered(steps, sessionTtlMs),
  ];
}

function sameNumber(input: string, reply: string): boolean {
  return (JSON.parse(input) as { n: number }).n === (JSON.parse(reply) as { n: number }).n;
}
