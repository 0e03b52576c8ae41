import type { Position } from "bowline/protocol";

/** A message a client was asked to publish. */
export interface Sent {
  /** Unique: the sender's name and its number. */
  readonly id: string;
  readonly sender: string;
  /** Rises with each message of this sender. */
  readonly n: number;
  readonly room: string;
}

/** A publish that resolved. */
export interface Acknowledged {
  readonly id: string;
  readonly position: Position;
}

/** A publish that was rejected. `UNCERTAIN` is no loss: the sender knows that it does not know. */
export interface Refused {
  readonly id: string;
  readonly code: string;
}

/** What one reader of one room was told, in the order it was told. */
export type Told =
  | { readonly type: "joined"; readonly position: Position }
  | {
      readonly type: "delivered";
      readonly id: string;
      readonly position: Position;
      readonly replayed: boolean;
    }
  | { readonly type: "gap"; readonly reason: "epoch" | "trimmed"; readonly position: Position };

/** One reader's log of one room. */
export interface ReaderLog {
  readonly reader: string;
  readonly room: string;
  readonly told: readonly Told[];
}

/** Everything that was logged in a run. */
export interface History {
  readonly sent: readonly Sent[];
  readonly acknowledged: readonly Acknowledged[];
  readonly refused: readonly Refused[];
  readonly readers: readonly ReaderLog[];
  /** Where each room's log ended when all was settled. A room without one is judged up to what is known of it. */
  readonly ends: ReadonlyMap<string, Position>;
}
