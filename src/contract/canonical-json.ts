/**
 * JSON in the canonical form of RFC 8785, in which equal values are equal texts: no spaces, and the names of an object in
 * the order of their UTF-16 units. A member that is undefined is left out.
 *
 * @example
 * canonicalJson({ b: 1, a: [true, null] }); // {"a":[true,null],"b":1}
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = sortedEntries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
}

/** The members of an object in the order of the canonical form. */
export function sortedEntries<Value>(object: Readonly<Record<string, Value>> | object): [string, Value][] {
  return Object.entries<Value>(object as Record<string, Value>).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
