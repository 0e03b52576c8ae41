import { textOf } from "#client/help";
import { clientRetryable, type ClientErrorName } from "../protocol/codes.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { Position } from "../protocol/frames.ts";
import type { Fate, Publish } from "./calls.ts";
import { withPayload } from "../protocol/payload.ts";

/** How a call ended: with the position of a publish, the payload of a reply, or an error. */
export interface Outcome {
  readonly position?: Position;
  readonly payload?: unknown;
  readonly error?: BowlineError;
}

/** What was asked for. */
export type Call =
  | { readonly type: "publish"; readonly room: string; readonly event: string }
  | { readonly type: "request"; readonly request: string; readonly idempotent: boolean };

/** What is waiting to be settled. */
export interface OutboxEntry {
  /** That of its publication; null before the server has told the session's. */
  id: string | null;
  readonly ref: number;
  readonly call: Call;
  /** The payload as JSON, taken when the call was made. */
  readonly json: string;
  /** Whether it was sent, over this socket or an earlier one. */
  sent: boolean;
  /** Whether the store has it. */
  stored: boolean;
  /** Whether the store has it as one that may have been sent: that comes before sending. */
  marked: boolean;
  /** Whether its caller has given it up. It keeps its place until it is answered: the server still works on it. */
  expired: boolean;
  /** Told once how it ended. What a store brought back has nobody waiting. */
  settled: (outcome: Outcome) => void;
}

/** A refusal that this client itself makes. */
export function localError(code: ClientErrorName): BowlineError {
  return new BowlineError(code, textOf(code), { retryable: clientRetryable.includes(code) });
}

/** As long as any may become. */
export const longestRef = 1e15;

/** The frame that asks for it. */
export function frameText(ref: number, call: Call, json: string, isRetry: boolean): string {
  // `idempotent` is for this end only.
  const retry = (isRetry && call.type === "publish") || undefined;
  return withPayload({ ...call, idempotent: undefined, ref, retry }, json);
}

/** What has become of an entry so far; null for a request. */
export function fateOf(
  { ref, id, call, json, sent }: OutboxEntry,
  { position, error }: Outcome = {},
): Fate | null {
  if (call.type !== "publish") return null;
  const { room, event } = call;
  return {
    ref,
    id,
    room,
    event,
    // Parsed when asked for: most listeners only want to know how it ended.
    get payload(): unknown {
      return JSON.parse(json);
    },
    position,
    error,
    fate: error ? "refused" : position ? "stored" : sent ? "sent" : "queued",
  } as Fate;
}

/** What a caller of `publish` gets; without an entry where it was refused at once. */
export function publishOf(promise: Promise<Position>, entry?: OutboxEntry): Publish {
  return Object.defineProperties(promise, {
    ref: { value: entry?.ref ?? 0 },
    id: { get: () => entry?.id ?? null },
  }) as Publish;
}
