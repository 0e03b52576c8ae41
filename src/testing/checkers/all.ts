import type { Contract } from "../../contract/contract.ts";
import type { Step } from "../history.ts";
import { DiskFailed } from "../device-storage.ts";
import { BrokerLost } from "../shared-broker.ts";
import { checkAdmitted, checkBounds, checkErrors, checkRemembered, checkUncertain } from "./conduct.ts";
import { TokenFailed } from "../account.ts";
import { checkDials, checkOwners } from "./accounts.ts";
import { checkThefts, checkTurnedOut } from "./company.ts";
import { checkDeliveries } from "./delivery.ts";
import {
  checkGenuine,
  checkKept,
  checkNamedOnce,
  checkOffsets,
  checkSenderOrder,
  checkStoredOnce,
  readLog,
} from "./log.ts";
import { checkRequests } from "./requests.ts";
import type { Violation } from "./violation.ts";

/** What {@link checkAll} needs to know besides the history. */
export interface CheckOptions {
  readonly contract: Contract;
  /** Who may read which room. Default: everybody, all. */
  readonly mayRead?: (device: string, room: string) => boolean;
  /** Errors that are meant to be reported: what your handlers throw. Those of brokers and disks always are. */
  readonly expectsError?: (error: unknown) => boolean;
  /** Whether publishes are stored as they came: no handler and no schema changes them. Default false. */
  readonly verbatim?: boolean;
  /**
   * Whether a reply belongs to an input, both as JSON. Given, requests are checked: every handler then has to note its
   * runs as `handled` steps, and every call needs an input of its own.
   */
  readonly matches?: (input: string, reply: string) => boolean;
  /** Devices whose store is written to at once. Default: none. */
  readonly keeps?: (device: string) => boolean;
  /** Ids of the publishes that had not ended when the run did. Default: none. */
  readonly pending?: readonly string[];
  /** How long the broker remembers a session. Default 1 hour. */
  readonly sessionTtlMs?: number;
}

/** Holds a history against every rule that concerns the way there, not where it ended. */
export function checkAll(steps: readonly Step[], options: CheckOptions): Violation[] {
  const { contract, mayRead, matches, keeps = () => false, pending = [], sessionTtlMs = 3_600_000 } = options;
  const log = readLog(steps);
  const expectsError = (error: unknown): boolean =>
    error instanceof BrokerLost ||
    error instanceof DiskFailed ||
    error instanceof TokenFailed ||
    (options.expectsError?.(error) ?? false);
  return [
    ...checkOffsets(log),
    ...checkNamedOnce(steps),
    ...checkStoredOnce(steps, log),
    ...(options.verbatim ? checkGenuine(steps, log) : []),
    ...checkSenderOrder(log),
    ...checkDeliveries(steps, log, {
      historyCount: (room) => contract.matchRoom(room)?.definition.history.count ?? Infinity,
      mayAge: false,
      ...(mayRead && { mayRead }),
    }),
    ...(matches ? checkRequests(steps, matches) : []),
    ...checkAdmitted(steps),
    ...checkErrors(steps, { expectsError }),
    ...checkBounds(steps),
    ...checkUncertain(steps),
    ...checkKept(steps, log, { keeps, pending: new Set(pending) }),
    ...checkRemembered(steps, sessionTtlMs),
    ...checkTurnedOut(steps),
    ...checkThefts(steps),
    ...checkOwners(steps, log),
    ...checkDials(steps),
  ];
}
