/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Whether a value is promised: by a promise of this realm or another one, or by a thenable, as query builders are, which
 * may be functions. Throws what a `then` throws that can't even be read.
 */
export function isPromised<T>(value: Awaitable<T>): value is Promise<T> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return typeof (value as { readonly then?: unknown }).then === "function";
}

/**
 * Goes on with a value: at once where it is there, later where it is promised. For the path of every frame, where
 * most checks and handlers answer at once and a promise each would cost more than they do.
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  // oxlint-disable-next-line promise/no-callback-in-promise
  return isPromised(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Calls what somebody handed over for what it does: what it throws, or rejects with, goes to `failed`. */
export function attempt(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call() as Partial<Promise<unknown>> | null | undefined;
    // Of any kind that a promise may be of.
    if (result?.then) Promise.resolve(result).catch(failed);
  } catch (error) {
    failed(error);
  }
}
