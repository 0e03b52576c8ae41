import type { Position } from "../../protocol/frames.ts";
import { sessionIdOf } from "../../protocol/session-id.ts";
import type { Step } from "../history.ts";
import type { Violation } from "./violation.ts";

/** One stored entry. */
export interface Stored {
  readonly id: string;
  readonly room: string;
  /** Whose it is; null: the server's. */
  readonly from: string | null;
  readonly position: Position;
  /** The payload as JSON. */
  readonly json: string;
  readonly atMs: number;
}

interface StoredData {
  readonly id: string;
  readonly from?: string | null;
  readonly payload: unknown;
}

/** What the rooms' logs hold, from what the broker did. */
export interface Log {
  /** Oldest first. */
  readonly entries: readonly Stored[];
  readonly byId: ReadonlyMap<string, readonly Stored[]>;
  /** By room, epoch and offset: {@link placeOf}. */
  readonly byPlace: ReadonlyMap<string, Stored>;
}

export function placeOf(room: string, { epoch, offset }: Position): string {
  return `${room} ${epoch} ${offset}`;
}

/** Reads the log out of a history. */
export function readLog(steps: readonly Step[]): Log {
  const entries: Stored[] = [];
  const byId = new Map<string, Stored[]>();
  const byPlace = new Map<string, Stored>();
  for (const step of steps) {
    if (step.type !== "appended") continue;
    const { room, position, atMs } = step;
    const { id, from = null, payload } = JSON.parse(step.data) as StoredData;
    const entry: Stored = { id, room, from, position, json: JSON.stringify(payload), atMs };
    entries.push(entry);
    const same = byId.get(id);
    if (same) same.push(entry);
    else byId.set(id, [entry]);
    byPlace.set(placeOf(room, position), entry);
  }
  return { entries, byId, byPlace };
}

/** Ids of sessions are longer than the prefixes of servers. */
const sessionIdLength = sessionIdOf("").length;

/** Codes that promise that a publish was not stored. The others say that it may have been. */
const notStored = new Set([
  "INVALID",
  "UNKNOWN_ROOM",
  "UNKNOWN_EVENT",
  "FORBIDDEN",
  "NOT_JOINED",
  "TOO_MANY_PENDING",
  "PAYLOAD_TOO_LARGE",
  "OUT_OF_ORDER",
  "OUTBOX_FULL",
  "STORE_FAILED",
  "SESSION_MISMATCH",
  "TIMEOUT",
]);

/** Every publish that resolved is in the log once, where it was said to be; no publish is in it twice. */
export function checkStoredOnce(steps: readonly Step[], log: Log): Violation[] {
  const violations: Violation[] = [];
  for (const [id, [, second]] of log.byId) {
    if (second)
      violations.push(violation(second.atMs, `${id} is in the log of ${second.room} more than once`));
  }
  // A ref that no store has noted is given out again by the next process: only its last end counts.
  const unnoted = new Map<string, Step>();
  const look = (step: Step): void => {
    const message = misplaced(step, log);
    if (message) violations.push(violation(step.atMs, message));
  };
  for (const step of steps) {
    if (step.type === "publish") unnoted.delete(step.id);
    if (isUnnoted(step)) unnoted.set(step.id, step);
    else look(step);
  }
  for (const step of unnoted.values()) look(step);
  return violations;
}

function isUnnoted(step: Step): step is Step & { readonly type: "rejected" | "fate" } {
  return (step.type === "rejected" || step.type === "fate") && step.code === "STORE_FAILED";
}

/** No store is given two publishes with the same id. One that it could not note was never sent, and does not count. */
export function checkNamedOnce(steps: readonly Step[]): Violation[] {
  const named = new Set<string>();
  const violations: Violation[] = [];
  for (const step of steps) {
    if (step.type !== "kept") continue;
    const message = `${step.id} names two publishes of ${step.device}`;
    if (named.has(step.id)) violations.push({ checker: "named once", message, atMs: step.atMs });
    named.add(step.id);
  }
  return violations;
}

function violation(atMs: number, message: string): Violation {
  return { checker: "stored once", message, atMs };
}

/** What is wrong with how a publish ended; null if nothing is. */
function misplaced(step: Step, log: Log): string | null {
  if (step.type === "stored" || step.type === "server-stored") {
    const place = placeOf(step.room, step.position);
    const found = log.byPlace.get(place);
    if (step.type === "stored" ? found?.id === step.id : found?.json === step.json) return null;
    const what = step.type === "stored" ? step.id : step.json;
    return `${what} was acknowledged at ${place}, where the log has ${found?.id} ${found?.json}`;
  }
  if ((step.type !== "rejected" && step.type !== "fate") || !notStored.has(step.code)) return null;
  return log.byId.has(step.id) ? `${step.id} was refused with ${step.code}, and is in the log` : null;
}

/**
 * A publish that a device's store was given is not lost with the process that made it: it is in the log, or its end was
 * told, or it is still pending. `keeps`: devices whose store has everything before a publish returns.
 */
export function checkKept(
  steps: readonly Step[],
  log: Log,
  { keeps, pending }: { readonly keeps: (device: string) => boolean; readonly pending: ReadonlySet<string> },
): Violation[] {
  const open = new Map<string, Step & { readonly type: "publish" | "kept" }>();
  for (const step of steps) {
    if ((step.type === "publish" && keeps(step.device) && step.id) || step.type === "kept")
      open.set(step.id, step);
    else if (step.type === "stored" || step.type === "rejected" || step.type === "fate") open.delete(step.id);
  }
  return [...open.values()]
    .filter(({ id }) => !log.byId.has(id) && !pending.has(id))
    .map(({ id, device, atMs }) => ({ checker: "kept", message: `${id} of ${device} is lost`, atMs }));
}

/** What is in the log under a client's session was published by it, with that payload. */
export function checkGenuine(steps: readonly Step[], log: Log): Violation[] {
  const published = new Map<string, string>();
  const sessions = new Set<string>();
  for (const step of steps) {
    if (step.type !== "publish" || !step.id) continue;
    published.set(step.id, step.json);
    sessions.add(sessionOf(step.id));
  }
  return log.entries.flatMap(({ id, json, room, atMs }): Violation[] => {
    const expected = published.get(id);
    if (expected === json || (expected === undefined && !sessions.has(sessionOf(id)))) return [];
    const message = `${id} in ${room} is ${json}, and was published as ${expected}`;
    return [{ checker: "genuine", message, atMs }];
  });
}

/** The session of a publication's id. */
export function sessionOf(id: string): string {
  return id.slice(0, id.lastIndexOf("-"));
}

/** Within one log, the publishes of one session stand in the order in which they were made. */
export function checkSenderOrder(log: Log): Violation[] {
  const highest = new Map<string, number>();
  const violations: Violation[] = [];
  for (const { id, room, position, atMs } of log.entries) {
    const dash = id.lastIndexOf("-");
    const key = `${room} ${position.epoch} ${id.slice(0, dash)}`;
    const ref = Number(id.slice(dash + 1));
    const former = highest.get(key) ?? 0;
    // A server's own publishes may overtake each other on their way.
    if (ref < former && isSession(id))
      violations.push({
        checker: "sender order",
        message: `${id} stands after ref ${former} in ${room}`,
        atMs,
      });
    highest.set(key, Math.max(former, ref));
  }
  return violations;
}

function isSession(id: string): boolean {
  return id.lastIndexOf("-") === sessionIdLength;
}

/** Offsets of a log have no holes: the broker itself is held to its word. */
export function checkOffsets(log: Log): Violation[] {
  const heads = new Map<string, number>();
  const violations: Violation[] = [];
  for (const { room, position, atMs } of log.entries) {
    const key = `${room} ${position.epoch}`;
    const expected = (heads.get(key) ?? 0) + 1;
    if (position.offset !== expected)
      violations.push({
        checker: "offsets",
        message: `${key} went from ${expected - 1} to ${position.offset}`,
        atMs,
      });
    heads.set(key, position.offset);
  }
  return violations;
}
