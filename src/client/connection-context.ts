import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { TokenSource } from "./client-types.ts";
import type { Transport } from "./socket.ts";

/** What a connection needs of the client. */
export interface ConnectionContext {
  readonly url: string;
  readonly tokenSource: TokenSource;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: {
    readonly nextRef: number;
    /** The token to connect with is another one, which the calls from this ref on were made for. */
    hasNewToken(ref: number): void;
    /** It is somebody else's: begin a new one. */
    leave(): void;
  };
  readonly calls: {
    /** Whether something that was sent over this socket waits for its answer. */
    readonly awaitsAnswers: boolean;
  };
  /** The hello to open with, as text. */
  hello(): string | Promise<string>;
  /** Called before the state is `open`. False: another session has to be opened instead. */
  welcomed(frame: WelcomeFrame): boolean;
  /** Called when it is. */
  opened(): void;
  received(frame: ServerFrame): void;
  /** The connection is not open, but will be. */
  lost(): void;
  /** Nothing more happens until `connect`: it was closed on purpose, or for `error`. */
  ended(error: BowlineError | null): void;
  /** Whether the console is told of what nobody listens to. */
  readonly log: boolean;
  readonly report: (error: unknown) => void;
}
