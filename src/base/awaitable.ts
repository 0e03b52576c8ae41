/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** Query builders and the like are thenables without being promises: handlers return those too. */
function isPromised<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/**
 * Goes on with a value: at once where it is there, later where it is promised. For the path of every frame, where
 * most checks and handlers answer at once and a promise each would cost more than they do.
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  // oxlint-disable-next-line promise/no-callback-in-promise
  return isPromised(value) ? Promise.resolve(value).then(next) : next(value);
}
