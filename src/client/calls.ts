import type { BowlineError } from "../protocol/errors.ts";
import type { Position } from "../protocol/frames.ts";

/** A publish on its way: a promise of its position, and its id, which its message will bear. */
export interface Publish extends Promise<Position> {
  readonly id: string;
}

/** What has become of a publish. */
export interface Fate {
  readonly id: string;
  readonly room: string;
  readonly event: string;
  readonly payload: unknown;
  /** `queued` → `sent` → `stored` or `refused`. */
  readonly fate: "queued" | "sent" | "stored" | "refused";
  /** Where it stands; when stored. */
  readonly position?: Position;
  /** Why; when refused. */
  readonly error?: BowlineError;
}

/** Options of a request. */
export interface RequestCallOptions {
  /** How long to wait, in milliseconds. Then `TIMEOUT` if it was never sent, and `UNCERTAIN` if it was. Default 30,000. */
  readonly timeoutMs?: number;
}
