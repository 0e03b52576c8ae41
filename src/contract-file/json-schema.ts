/** A JSON Schema of the draft 2020-12, as an object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Something a schema checks or does that its JSON Schema does not say. */
export interface LostPart {
  /** JSON Pointer into the schema: empty for the whole. */
  readonly at: string;
  /**
   * `transform`: the value is changed on its way. `refinement`: a check by a function. `type`: a type that is none of
   * JSON's. `schema`: all of it.
   */
  readonly what: "transform" | "refinement" | "type" | "schema";
  /** For people: what it is, and where something can be done, what. */
  readonly text: string;
}

/** A JSON Pointer (RFC 6901) of these steps. */
export function pointer(steps: readonly PropertyKey[]): string {
  return steps.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The value with every object in it replaced by what `change` makes of it, the innermost first. */
export function mapObjects(
  value: unknown,
  change: (object: Record<string, unknown>, steps: readonly string[]) => unknown,
  steps: readonly string[] = [],
): unknown {
  if (Array.isArray(value))
    return value.map((it, index) => mapObjects(it, change, [...steps, String(index)]));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, it]) => [name, mapObjects(it, change, [...steps, name])]);
  return change(Object.fromEntries(members) as Record<string, unknown>, steps);
}

/** An object without one of its members. */
export function without<Given extends object, Name extends keyof Given>(
  object: Given,
  name: Name,
): Omit<Given, Name> {
  const { [name]: left, ...rest } = object;
  void left;
  return rest;
}
