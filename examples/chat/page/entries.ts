/** What stands in a conversation. */
import type { Gap } from "bowline/client";
import type { Position } from "bowline";

/** How far an own message got; those of others are stored, or they would not be here. */
export type FateName = "queued" | "sent" | "stored" | "refused";

export interface MessageEntry {
  readonly kind: "message";
  /** Of an own message: the number of its publish. Null where others wrote it, or an earlier page did. */
  readonly ref: number | null;
  /** The same everywhere. Null while only the server knows it. */
  id: string | null;
  readonly from: string;
  readonly isMine: boolean;
  readonly text: string;
  /** Milliseconds since 1970: this machine's until the server has stamped it. */
  at: number;
  /** Somebody else wrote it, and it was not in view yet. */
  isUnread: boolean;
  fate: FateName;
  position: Position | null;
  error: string | null;
}

export interface GapEntry {
  readonly kind: "gap";
  readonly reason: Gap["reason"];
}

export type Entry = MessageEntry | GapEntry;

/** Whether `position` is behind what was read up to `read`. */
export function isRead(position: Position, read: Position): boolean {
  return position.epoch === read.epoch && position.offset <= read.offset;
}
