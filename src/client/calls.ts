import type { BowlineError } from "../protocol/errors.ts";
import type { Position } from "../protocol/frames.ts";

/** A publish on its way: a promise of its position, and what tells which publish it is. */
export interface Publish extends Promise<Position> {
  /**
   * Its number among the calls of this client, from 1 and never used twice, also after a reload with a store: a key for a
   * list. 0 where it was refused at once.
   */
  readonly ref: number;
  /**
   * The id its message will bear. Null until the server has told the session's, which the first welcome does: it is there
   * before the publish is sent, and before its message can come.
   */
  readonly id: string | null;
}

/** What has become of a publish: `queued` → `sent` → `stored` or `refused`. Its `fate` tells which of them it is. */
export type Fate = Queued | Sent | Stored | Refused;

/** Which publish it is. */
interface FateOf<Name extends string, Id extends string | null> {
  readonly fate: Name;
  /** The number that its `publish` call gave. */
  readonly ref: number;
  /** The id its message bears; null while only the server knows it. */
  readonly id: Id;
  readonly room: string;
  readonly event: string;
  readonly payload: unknown;
}

/** Waits in the outbox. */
interface Queued extends FateOf<"queued", string | null> {
  readonly position?: undefined;
  readonly error?: undefined;
}

/** Is on its way; after a lost connection it is sent again. */
interface Sent extends FateOf<"sent", string> {
  readonly position?: undefined;
  readonly error?: undefined;
}

/** Stands in the room's log, once. */
interface Stored extends FateOf<"stored", string> {
  /** Where it stands. */
  readonly position: Position;
  readonly error?: undefined;
}

/** Is refused by the server, or given up by this client. */
interface Refused extends FateOf<"refused", string | null> {
  readonly position?: undefined;
  /** Why. */
  readonly error: BowlineError;
}

/** Options of a request. */
export interface RequestCallOptions {
  /** How long to wait, in milliseconds. Then `TIMEOUT` if it was never sent, and `UNCERTAIN` if it was. Default 30,000. */
  readonly timeoutMs?: number;
}
