import type { BowlineError } from "../protocol/errors.ts";
import type { Position } from "../protocol/frames.ts";

/** A publish on its way: a promise of its position, and its id, which its message will bear. */
export interface Publish extends Promise<Position> {
  readonly id: string;
}

/** What has become of a publish: `queued` → `sent` → `stored` or `refused`. Its `fate` tells which of them it is. */
export type Fate = Queued | Sent | Stored | Refused;

/** Which publish it is. */
interface FateOf<Name extends string> {
  readonly fate: Name;
  /** The id that its `publish` call gave, and its message bears. */
  readonly id: string;
  readonly room: string;
  readonly event: string;
  readonly payload: unknown;
}

/** Waits in the outbox. */
interface Queued extends FateOf<"queued"> {
  readonly position?: undefined;
  readonly error?: undefined;
}

/** Is on its way; after a lost connection it is sent again. */
interface Sent extends FateOf<"sent"> {
  readonly position?: undefined;
  readonly error?: undefined;
}

/** Stands in the room's log, once. */
interface Stored extends FateOf<"stored"> {
  /** Where it stands. */
  readonly position: Position;
  readonly error?: undefined;
}

/** Is refused by the server, or given up by this client. */
interface Refused extends FateOf<"refused"> {
  readonly position?: undefined;
  /** Why. */
  readonly error: BowlineError;
}

/** Options of a request. */
export interface RequestCallOptions {
  /** How long to wait, in milliseconds. Then `TIMEOUT` if it was never sent, and `UNCERTAIN` if it was. Default 30,000. */
  readonly timeoutMs?: number;
}
