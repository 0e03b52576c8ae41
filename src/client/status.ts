import type { BowlineError } from "../protocol/errors.ts";

/**
 * Where a client's connection stands. `connecting`: a socket is being opened. `open`: frames flow. `waiting`: the next
 * attempt comes by itself. `closed`: nothing more happens.
 */
export type Status =
  | { readonly state: "connecting"; readonly attempt: number }
  | {
      readonly state: "open";
      /** Whether the server can't reach its broker: calls wait, signals are dropped, events come later. */
      readonly degraded: boolean;
    }
  | {
      readonly state: "waiting";
      /** How many attempts in a row have failed. */
      readonly attempt: number;
      /** When the next one starts: milliseconds since 1970. */
      readonly retryAt: number;
      /** Why the last one ended, as far as it is known. */
      readonly reason: string;
    }
  | {
      readonly state: "closed";
      /** Null when the client was closed on purpose. */
      readonly error: BowlineError | null;
    };
