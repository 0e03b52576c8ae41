/**
 * Throws a `TypeError` where `given` has a name that is not in `known`, and says which one may have been meant. The names
 * are the keys of an object, so that the compiler holds them to the options' type; what stands behind them says nothing.
 */
export function checkOptions<Options extends object>(
  where: string,
  given: Options,
  known: { readonly [Name in keyof Options]-?: unknown },
): void {
  if (typeof given !== "object" || !given)
    throw new TypeError(`${where}: options must be an object, not ${String(given)}`);
  for (const name in given)
    if (!Object.hasOwn(known, name))
      throw new TypeError(
        `${where}: unknown option ${nearest(name, known)} Options are: ${Object.keys(known).join(", ")}`,
      );
}

/** `"tokn": did you mean "token"?` where one of the names has nearly the same letters, `"colour".` where none has. */
export function nearest(name: string, names: object): string {
  const lacks = (a: string, b: string): number => a.split("").filter((letter) => !b.includes(letter)).length;
  const found = Object.keys(names).find((it) => lacks(it, name) + lacks(name, it) < 3);
  return `"${name}"${found ? `: did you mean "${found}"?` : "."}`;
}

/** Throws a `TypeError` where something that is given is of another type. */
export function checkType(what: string, given: unknown, type: "function" | "boolean" | "string"): void {
  if (given === undefined || typeof given === type) return;
  const value = typeof given === "object" && given ? "an object" : shownValue(given);
  throw new TypeError(`${what} must be a ${type}, not ${value}`);
}

/** Throws a `TypeError` where one of these options is given and is no time. */
export function checkTimes(where: string, options: object): void {
  for (const [name, value] of Object.entries<unknown>(options as Record<string, unknown>))
    if (value !== undefined && !(typeof value === "number" && Number.isFinite(value) && value >= 0))
      throw new TypeError(`${where}: ${name} must be finite milliseconds from 0, not ${shownValue(value)}`);
}

/** A value for a text about it: what is no text must not look like one. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "function" ? "a function" : String(value);
}
