/**
 * Whether what was thrown is of a class. False for what can't be looked at, such as a proxy that was revoked: to ask
 * `instanceof` of it throws.
 */
export function isThrown<Kind>(thrown: unknown, kind: abstract new (...args: never) => Kind): thrown is Kind {
  try {
    return thrown instanceof kind;
  } catch {
    return false;
  }
}
