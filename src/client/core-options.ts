import type { Clock } from "../base/clock.ts";
import type { Emitter } from "../base/emitter.ts";
import type { Random } from "../base/random.ts";
import type { Contract } from "../contract/contract.ts";
import type { Fate } from "./calls.ts";
import type { OutboxLimits, TokenSource } from "./client-types.ts";
import type { Transport } from "./socket.ts";
import type { Store } from "./store.ts";

/** Where to connect to, and over what. */
export interface Endpoint {
  readonly url: string;
  readonly transport: Transport;
}

/** Everything a client is made of, with the defaults filled in. */
export interface ClientCoreOptions {
  readonly contract: Contract;
  /** Throws a `TypeError` where there is none. */
  readonly endpoint: () => Endpoint;
  readonly tokenSource: TokenSource;
  /** Whose calls are made now; null where the application does not say. */
  readonly whose: () => string | null;
  readonly store: Store;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly fates: Emitter<Fate>;
  /** Whether the console is told of what nobody listens to. */
  readonly log: boolean;
  readonly report: (error: unknown) => void;
}
