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
