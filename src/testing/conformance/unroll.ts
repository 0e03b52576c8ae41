import type { JsonObject } from "../../conformance/case.ts";
import { isObject } from "../../conformance/form.ts";

/** Whether a range has all its numbers or, which is enough to check what stands in it, its first one. */
type Ranges = "whole" | "first";

/** What stands for several: names, and the values that they have one after the other. */
type Variables = Readonly<Record<string, unknown>>;

/**
 * Writes out what stands for several. `{"for":{"i":{"from":1,"to":3},"node":["a","b"]},"steps":[…]}` becomes its steps three
 * times, with `"$i"` and `${i}` replaced; a shorter list begins again. `{"$for":…,"of":…}` in a list becomes elements of it.
 */
export function unroll(value: unknown, ranges: Ranges = "whole"): unknown {
  if (Array.isArray(value)) return value.flatMap((element: unknown) => unrollElement(element, ranges));
  if (!isObject(value)) return value;
  const { for: variables, ...rest } = value;
  if (variables !== undefined) {
    const steps = rounds(variables, ranges).flatMap(
      (round) => unroll(substitute(rest["steps"] ?? [], round), ranges) as unknown[],
    );
    return { ...rest, steps };
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unroll(inner, ranges)]));
}

function unrollElement(element: unknown, ranges: Ranges): unknown[] {
  if (!isObject(element) || !Object.hasOwn(element, "$for")) return [unroll(element, ranges)];
  return rounds(element["$for"], ranges).map((round) => unroll(substitute(element["of"], round), ranges));
}

/** How many rounds variables make. */
export function roundCount(variables: unknown): number {
  return rounds(variables, "whole").length;
}

/** Puts values in the place of their names: `"$name"` keeps a value's type, `${name}` stands inside a text. */
export function substitute(value: unknown, variables: Variables): unknown {
  if (typeof value === "string") return substituteText(value, variables);
  if (Array.isArray(value)) return value.map((inner: unknown) => substitute(inner, variables));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, substitute(inner, variables)]),
  );
}

function substituteText(text: string, variables: Variables): unknown {
  if (text.startsWith("$") && Object.hasOwn(variables, text.slice(1))) return variables[text.slice(1)];
  return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? String(variables[name]) : whole,
  );
}

/** The values of each round. Throws where the variables are none. */
function rounds(variables: unknown, ranges: Ranges): Variables[] {
  if (!isObject(variables) || Object.keys(variables).length === 0)
    throw new TypeError('"for" must be an object of names with their values');
  const lists = Object.entries(variables).map(([name, values]) => ({
    name,
    isRange: !Array.isArray(values),
    values: valuesOf(name, values, ranges),
  }));
  // Where there is a range, it says how often; lists begin again.
  const ruling = ranges === "whole" ? lists.filter(({ isRange }) => isRange) : [];
  const count = Math.max(...(ruling.length > 0 ? ruling : lists).map(({ values }) => values.length));
  return Array.from({ length: count }, (_, index) =>
    Object.fromEntries(lists.map(({ name, values }) => [name, values[index % values.length]])),
  );
}

function valuesOf(name: string, values: unknown, ranges: Ranges): readonly unknown[] {
  if (Array.isArray(values) && values.length > 0) return values;
  const { from, to } = isObject(values) ? values : ({} as JsonObject);
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || (from as number) > (to as number))
    throw new TypeError(`"${name}" must be a list of values, or {"from":…,"to":…} with whole numbers`);
  const length = ranges === "first" ? 1 : (to as number) - (from as number) + 1;
  return Array.from({ length }, (_, index) => (from as number) + index);
}
