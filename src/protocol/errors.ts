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
  /** What caused it; never sent over the wire, and not part of its JSON. */
  readonly cause?: unknown;
  /** The room it is about. */
  readonly room?: string | undefined;
  /** The event or signal it is about. */
  readonly event?: string | undefined;
  /** The request it is about. */
  readonly request?: string | undefined;
}

/** In the registry that all copies of this package share, as they do `Symbol.iterator`. */
const brand = Symbol.for("bowline.error");

/**
 * A refused call. On the client, promises reject with it; on the server, a handler throws it to refuse, and its code,
 * message and `retryable` travel to the caller. Branch on `code`: it is a name of the error-code table (spec/PROTOCOL.md)
 * or one of your own. `instanceof` knows those of other copies of this package as well. As JSON it has all that it says,
 * but not its cause.
 *
 * @example
 * throw new BowlineError("room_full", "this room takes 50 people");
 */
export class BowlineError extends Error {
  override readonly name: string = "BowlineError";
  declare readonly code: string;
  declare readonly retryable: boolean;
  declare readonly issues: readonly Issue[];
  /** The room that it is about, where that is known; likewise `event` and `request`. */
  declare readonly room?: string;
  declare readonly event?: string;
  declare readonly request?: string;

  constructor(code: string, message: string, options: BowlineErrorOptions = {}) {
    const { retryable = false, issues = [] } = options;
    super(message, options);
    Object.assign(this, { code, retryable, issues });
    for (const about of ["room", "event", "request"] as const)
      if (options[about]) (this as Record<string, unknown>)[about] = options[about];
  }

  static {
    // Not on each error, where it would show.
    Object.assign(this.prototype, { [brand]: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === BowlineError ? isBowlineError(value) : super[Symbol.hasInstance](value);
  }

  toJSON(): object {
    return Object.assign({}, this, { message: this.message });
  }
}

/** Whether it is a {@link BowlineError} of this copy of the package or another one, or of another realm. */
export function isBowlineError(value: unknown): value is BowlineError {
  return (value as { readonly [brand]?: unknown } | null | undefined)?.[brand] === true;
}
