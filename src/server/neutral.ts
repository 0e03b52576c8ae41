/**
 * What brokers keep and pass on: compact JSON that belongs to no encoding of the wire, so that a node, or a connection,
 * of any encoding can read what another one stored.
 */
import type { ErrorFrame, SignalFrame } from "../protocol/frames.ts";
import { toJson, withPayload } from "../protocol/payload.ts";

/** What is settled of a publication before the log gives it an offset: the data of a log's entry. */
export interface Publication {
  /** Unique per publication, and known to its sender beforehand: `<session>-<ref>`. */
  readonly id: string;
  readonly event: string;
  /** User id of the sender; null when the server itself published. */
  readonly from: string | null;
  /** When the server took it: milliseconds since 1970. */
  readonly at: number;
  readonly payload: unknown;
}

/** What a signal is without its room: the data of a broker's signal. */
export type Signal = Omit<SignalFrame, "type" | "room">;

/** What is said of a call that was refused. */
export type Refusal = Pick<ErrorFrame, "code" | "message" | "retryable" | "issues">;

/** What a request came to: the payload of its reply, as JSON, or a refusal. */
export type Answer = { readonly payload: string } | { readonly error: Refusal };

/** A publication, whose payload is JSON already: encoded once, before it is stored. */
export function publicationText(head: Omit<Publication, "payload">, payload: string): string {
  return withPayload(head, payload);
}

/** The same for a signal. */
export function signalText(head: Omit<Signal, "payload">, payload: string): string {
  return withPayload(head, payload);
}

const payloadStart = '{"payload":';

/** An answer as it is stored: `{"payload":…}` or `{"error":{…}}`. */
export function answerText(answer: Answer): string {
  return "error" in answer ? JSON.stringify(answer) : `${payloadStart}${answer.payload}}`;
}

/** A stored answer, of this node or of another one. */
export function readAnswer(text: string): Answer {
  if (text.startsWith(payloadStart)) return { payload: text.slice(payloadStart.length, -1) };
  const { error, payload } = JSON.parse(text) as { readonly error?: Refusal; readonly payload?: unknown };
  return error ? { error } : { payload: toJson(payload) };
}
