/** What to say of a key under our prefix that holds something else. */
export function foreignKey(key: string, found: string, wanted: string): Error {
  return new Error(
    `the key "${key}" is a ${found} and has to be a ${wanted}: another program wrote it; ` +
      'delete or rename it, or give this system another "prefix"',
  );
}

/** Whether a command met a key that holds something else: Redis does not say which. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("WRONGTYPE");
}

/** Finds the first key that is not of its type; null if each is, or is not there. */
export async function findForeignKey(
  keys: readonly string[],
  wanted: readonly string[],
  typeOf: (key: string) => Promise<unknown>,
): Promise<Error | null> {
  const found = await Promise.all(keys.map(async (key) => String(await typeOf(key))));
  const index = found.findIndex((type, at) => type !== "none" && wanted[at] && type !== wanted[at]);
  return index < 0
    ? null
    : foreignKey(keys[index] as string, found[index] as string, wanted[index] as string);
}
