import type { JsonObject } from "./case.ts";
import { isObject } from "./form.ts";
import { CaseError, type Scope } from "./scope.ts";

/**
 * Holds what came against a pattern. Fields that the pattern does not name are free; `"$name"` binds a value, and from
 * then on stands for it. Gives where and why it does not fit, or null; only a whole fit binds anything.
 */
export function mismatch(pattern: unknown, value: unknown, scope: Scope): string | null {
  const trial = new Trial(scope);
  const why = trial.compare(pattern, value, "");
  if (why === null) trial.keep();
  return why;
}

/** What values are called in `$is`. */
const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  whole: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  boolean: (value) => typeof value === "boolean",
  object: isObject,
  array: Array.isArray,
  null: (value) => value === null,
  position: (value) =>
    isObject(value) && kinds["whole"]?.(value["offset"]) === true && typeof value["epoch"] === "string",
};

const listOperators = ["$each", "$last", "$inOrder", "$rising", "$distinct"] as const;

type ListOperator = (typeof listOperators)[number];

function isListOperator(operator: string): operator is ListOperator {
  return (listOperators as readonly string[]).includes(operator);
}

/** One comparison, with what it would bind. */
class Trial {
  readonly #scope: Scope;
  readonly #bound = new Map<string, unknown>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  keep(): void {
    for (const [name, value] of this.#bound) this.#scope.bind(name, value);
  }

  compare(pattern: unknown, value: unknown, at: string): string | null {
    if (typeof pattern === "string") return this.#compareText(pattern, value, at);
    if (Array.isArray(pattern)) return this.#compareList(pattern, value, at);
    if (!isObject(pattern)) return pattern === value ? null : differs(at, pattern, value);
    const operator = Object.keys(pattern).find((name) => name.startsWith("$"));
    if (operator !== undefined) return this.#judge(operator, pattern, value, at);
    if (!isObject(value)) return differs(at, pattern, value);
    for (const [name, inner] of Object.entries(pattern)) {
      const why = this.compare(inner, Object.hasOwn(value, name) ? value[name] : undefined, `${at}.${name}`);
      if (why) return why;
    }
    return null;
  }

  #compareText(pattern: string, value: unknown, at: string): string | null {
    if (pattern === "$absent")
      return value === undefined ? null : `${place(at)} should be absent, and is ${shown(value)}`;
    const [, name] = /^\$([A-Za-z]\w*)$/.exec(pattern) ?? [];
    if (name === undefined) {
      const text = pattern.startsWith("$$") ? pattern.slice(1) : this.#scope.embed(pattern);
      return text === value ? null : differs(at, text, value);
    }
    if (value === undefined) return `${place(at)} is missing`;
    if (this.#bound.has(name) || this.#scope.has(name)) {
      const bound = this.#bound.get(name) ?? this.#scope.get(name);
      return equal(bound, value) ? null : `${differs(at, bound, value)} (as ${pattern} was before)`;
    }
    this.#bound.set(name, value);
    return null;
  }

  #compareList(pattern: readonly unknown[], value: unknown, at: string): string | null {
    if (!Array.isArray(value)) return differs(at, pattern, value);
    if (value.length !== pattern.length)
      return `${place(at)} has ${value.length} elements, expected ${pattern.length}`;
    for (const [index, inner] of pattern.entries()) {
      const why = this.compare(inner, value[index], `${at}[${index}]`);
      if (why) return why;
    }
    return null;
  }

  #judge(operator: string, pattern: JsonObject, value: unknown, at: string): string | null {
    const operand = pattern[operator];
    switch (operator) {
      case "$is": {
        const fits = kinds[String(operand)];
        if (!fits)
          throw new CaseError(`"$is" knows no "${String(operand)}", but ${Object.keys(kinds).join(", ")}`);
        return fits(value) ? null : `${place(at)} should be a ${String(operand)}, and is ${shown(value)}`;
      }
      case "$oneOf":
        return this.#oneOf(operand as readonly unknown[], value, at);
      case "$not":
        return this.compare(operand, value, at) === null ? `${place(at)} must not be ${shown(value)}` : null;
      case "$includes":
        return textOf(value).includes(this.#scope.embed(String(operand)))
          ? null
          : `${place(at)} should include ${shown(operand)}, and is ${shown(value)}`;
      case "$has":
        return this.#has(operand, value, at);
      case "$length":
        return this.compare(operand, (value as { length?: unknown } | null)?.length, `${at}.length`);
      case "$anyOrder":
        return this.#anyOrder(operand as readonly unknown[], value, at);
      case "$only":
        return this.#only(operand, value, at);
      default:
        return isListOperator(operator)
          ? this.#judgeList(operator, operand, value, at)
          : this.#order(operator, operand, value, at);
    }
  }

  #judgeList(operator: ListOperator, operand: unknown, value: unknown, at: string): string | null {
    if (!Array.isArray(value)) return `${place(at)} should be an array, and is ${shown(value)}`;
    const list: readonly unknown[] = value;
    switch (operator) {
      case "$each":
        for (const [index, element] of list.entries()) {
          const why = this.compare(operand, element, `${at}[${index}]`);
          if (why) return why;
        }
        return null;
      case "$last":
        return this.compare(operand, list.at(-1), `${at}[${Math.max(0, list.length - 1)}]`);
      case "$inOrder":
        return this.#inOrder(operand as readonly unknown[], list, at);
      case "$rising": {
        const numbers = list.map((element) => Number(isObject(element) ? element[String(operand)] : element));
        const fall = numbers.findIndex((number, index) => !(number >= (numbers[index - 1] ?? number)));
        return fall < 0 ? null : `${place(at)} should never fall, and is ${shown(numbers)}`;
      }
      case "$distinct": {
        const texts = list.map((element) => JSON.stringify(element));
        const again = texts.find((text, index) => texts.indexOf(text) !== index);
        return again === undefined ? null : `${place(at)} has ${again} twice`;
      }
    }
  }

  /** These elements, in this order, perhaps with others between them. */
  #inOrder(patterns: readonly unknown[], list: readonly unknown[], at: string): string | null {
    let from = 0;
    for (const pattern of patterns) {
      const index = list.findIndex((it, place) => place >= from && this.compare(pattern, it, at) === null);
      if (index < 0) return `${place(at)} lacks ${shown(pattern)} after its first ${from} elements`;
      from = index + 1;
    }
    return null;
  }

  #oneOf(patterns: readonly unknown[], value: unknown, at: string): string | null {
    for (const pattern of patterns) if (this.compare(pattern, value, at) === null) return null;
    return `${place(at)} should be one of ${shown(patterns)}, and is ${shown(value)}`;
  }

  #has(pattern: unknown, value: unknown, at: string): string | null {
    const elements: readonly unknown[] = Array.isArray(value) ? value : [];
    if (elements.some((element) => this.compare(pattern, element, at) === null)) return null;
    return `${place(at)} should have ${shown(pattern)}, and is ${shown(value)}`;
  }

  /** The same elements, whatever their order. */
  #anyOrder(patterns: readonly unknown[], value: unknown, at: string): string | null {
    if (!Array.isArray(value)) return differs(at, patterns, value);
    if (value.length !== patterns.length)
      return `${place(at)} has ${value.length} elements, expected ${patterns.length}`;
    const left = [...patterns];
    for (const element of value as readonly unknown[]) {
      const index = left.findIndex((pattern) => this.compare(pattern, element, at) === null);
      if (index < 0) return `${place(at)} has ${shown(element)}, which is none of ${shown(left)}`;
      left.splice(index, 1);
    }
    return null;
  }

  /** Fits, and has no field besides. */
  #only(pattern: unknown, value: unknown, at: string): string | null {
    const why = this.compare(pattern, value, at);
    if (why || !isObject(pattern) || !isObject(value)) return why;
    const strange = Object.keys(value).find((name) => !Object.hasOwn(pattern, name));
    return strange === undefined ? null : `${place(at)} has the field "${strange}", which it should not`;
  }

  #order(operator: string, operand: unknown, value: unknown, at: string): string | null {
    const bound = Number(this.#scope.fill(operand));
    const holds: Readonly<Record<string, (number: number) => boolean>> = {
      $gt: (number) => number > bound,
      $gte: (number) => number >= bound,
      $lt: (number) => number < bound,
      $lte: (number) => number <= bound,
    };
    const judge = holds[operator];
    if (!judge) throw new CaseError(`"${operator}" is for what is sent, not for what is expected`);
    if (typeof value === "number" && judge(value)) return null;
    return `${place(at)} should be ${operator.slice(1)} ${bound}, and is ${shown(value)}`;
  }
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((inner, index) => equal(inner, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => equal(a[name], b[name]));
}

function differs(at: string, expected: unknown, value: unknown): string {
  return `${place(at)} should be ${shown(expected)}, and is ${shown(value)}`;
}

function place(at: string): string {
  return at === "" ? "it" : at.replace(/^\./, "");
}

/** A text as it is, anything else as JSON. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

const shownLengthMax = 300;

/** A value for a report: long ones are cut. */
export function shown(value: unknown): string {
  const text = value === undefined ? "absent" : JSON.stringify(value);
  return text.length > shownLengthMax
    ? `${text.slice(0, shownLengthMax)}… (${text.length} characters)`
    : text;
}
