import type { BowlineError } from "../protocol/errors.ts";
import type { Position } from "../protocol/frames.ts";

/** A delivered event. */
export interface Message<Payload = unknown> {
  /** Unique; equal to the `id` that its `publish` call gave. */
  readonly id: string;
  readonly event: string;
  readonly payload: Payload;
  /** Id of the user who sent it; null for the server. */
  readonly from: string | null;
  /** When the server took it: milliseconds since 1970. */
  readonly at: number;
  /** Where it stands in the room's log. */
  readonly position: Position;
  /** Whether it was published before the join, or the reconnect, that brought it: of the past, not news. */
  readonly replayed: boolean;
}

/** A delivered signal. */
export interface SignalMessage<Payload = unknown> {
  readonly event: string;
  readonly payload: Payload;
  readonly from: string | null;
  /** Session that sent it; empty for the server. */
  readonly session: string;
}

/** Something was missed and can't be had any more. What follows starts right after `position`. */
export interface Gap {
  readonly position: Position;
  /** `trimmed`: more was missed than the history holds. `epoch`: the room's log was lost and begun anew. */
  readonly reason: "trimmed" | "epoch";
}

/** Where a room stands. `refused` is tried again on the next connection. */
export type RoomStatus =
  | { readonly state: "joining" }
  | { readonly state: "joined" }
  | { readonly state: "refused"; readonly error: BowlineError }
  | { readonly state: "left" };
