/**
 * A payload as JSON, as `JSON.stringify` has it: NaN and Infinity are null, and so is `undefined`; what has a `toJSON` is
 * what that gives. Throws a `TypeError` on what JSON has no way to write (a function, a symbol, a BigInt, a cycle), a
 * `RangeError` on thousands of levels, and what a getter or `toJSON` throws.
 */
export function toJson(payload: unknown): string {
  const json = JSON.stringify(payload ?? null) as string | undefined;
  if (json === undefined) throw new TypeError(`JSON can't hold a ${typeof payload}`);
  return json;
}

/** A frame whose payload is JSON already. */
export function withPayload(head: object, json: string): string {
  return `${JSON.stringify(head).slice(0, -1)},"payload":${json}}`;
}
