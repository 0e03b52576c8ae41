import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { Transport } from "./socket.ts";

/** Where a token comes from: called before each attempt. Null, undefined and an empty text are no token. */
export type TokenSource = () => string | null | undefined | Promise<string | null | undefined>;

/** What a connection needs of the client. */
export interface ConnectionContext {
  readonly url: string;
  readonly token: TokenSource;
  /** Called before a socket is opened; `hasNewToken` where the token is not that of the attempt before. */
  dials(hasNewToken: boolean): void;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** The hello to open with, as text. */
  hello(): string | Promise<string>;
  /** Called before the state is `open`. False: another session has to be opened instead. */
  welcomed(frame: WelcomeFrame): boolean;
  /** Called when it is. */
  opened(): void;
  received(frame: ServerFrame): void;
  /** Whether something that was sent over this socket waits for its answer. */
  awaitsAnswers(): boolean;
  /** The connection was open and is not any more, but will be. */
  lost(): void;
  /** Nothing more happens until `connect`: it was closed on purpose, or for `error`. */
  ended(error: BowlineError | null): void;
  /** Told where nobody listens, once a cause. */
  say(printed: Set<string>, text: string): void;
  /** The session is somebody else's: begin a new one. */
  disowned(): void;
  readonly report: (error: unknown) => void;
}
