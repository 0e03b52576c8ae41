/** One thing that is wrong with a payload: where, and what. */
export interface Issue {
  /** Keys from the payload's root, e.g. `["items", 0, "text"]`. Empty for the payload itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What else a {@link BowlineError} may say. */
export interface BowlineErrorOptions {
  /** Whether the same call may succeed later by itself. Default false. */
  readonly retryable?: boolean;
  /** For `INVALID`: every issue the schema found. */
  readonly issues?: readonly Issue[];
  /** What caused it; never sent over the wire. */
  readonly cause?: unknown;
}

/**
 * A refused call. On the client, promises reject with it; on the server, a handler throws it to refuse, and its code,
 * message and `retryable` travel to the caller. Branch on `code`: it is a name of the error-code table (PROTOCOL.md)
 * or one of your own.
 *
 * @example
 * throw new BowlineError("room_full", "this room takes 50 people");
 */
export class BowlineError extends Error {
  override readonly name: string = "BowlineError";
  readonly code: string;
  readonly retryable: boolean;
  readonly issues: readonly Issue[];

  constructor(code: string, message: string, options: BowlineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.issues = options.issues ?? [];
  }
}
