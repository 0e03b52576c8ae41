import { canonicalJson } from "../contract/canonical-json.ts";
import { mapObjects, type JsonSchema } from "./json-schema.ts";

/** Names that libraries make up for definitions that nobody named. */
const madeUp = /^(?:__schema|[a-z]+)?\d+$/;

/**
 * The definitions that the schemas of a file have in common: a schema that refers to itself or to parts of its own gives
 * them to the file, as a `$ref` that begins with `#` counts from the top of the file.
 */
export class Definitions {
  readonly #all = new Map<string, JsonSchema>();

  /** By name. */
  get all(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries(this.#all);
  }

  /** Takes the definitions of a schema that stands at a place of that name; gives the schema as it then stands there. */
  take(schema: JsonSchema, place: string): JsonSchema {
    const { $defs, definitions, ...root } = schema;
    const parts = { ...(definitions as object), ...($defs as object), "": root } as Record<
      string,
      JsonSchema
    >;
    const used = reachable(parts);
    if (used.size === 0) return root;
    for (let copy = 1; ; copy += 1) {
      const names = namesOf(used, place, copy);
      const own = [...names].map(([name, inFile]) => [inFile, rewrite(parts[name] ?? {}, names)] as const);
      if (!own.every(([inFile, part]) => this.#isFree(inFile, part))) continue;
      for (const [inFile, part] of own) this.#all.set(inFile, part);
      return used.has("") ? { $ref: `#/$defs/${names.get("")}` } : rewrite(root, names);
    }
  }

  /** Whether a name is not taken, or taken by the very same. */
  #isFree(name: string, schema: JsonSchema): boolean {
    const taken = this.#all.get(name);
    return !taken || canonicalJson(taken) === canonicalJson(schema);
  }
}

/**
 * The parts that are referred to, from the whole on, in the order in which that is found: libraries number theirs as they
 * come. The whole has the empty name.
 */
function reachable(parts: Readonly<Record<string, JsonSchema>>): Set<string> {
  const used = new Set<string>();
  const follow = (name: string): void => {
    for (const ref of refsOf(parts[name] ?? {})) {
      const { part } = readRef(ref);
      if (used.has(part) || !Object.hasOwn(parts, part)) continue;
      used.add(part);
      follow(part);
    }
  };
  follow("");
  return used;
}

/** The `$ref`s in a value that lead to places in the same document, the innermost first. */
export function refsOf(schema: object): string[] {
  const refs: string[] = [];
  mapObjects(schema, (object) => {
    const { $ref } = object;
    if (typeof $ref === "string" && $ref.startsWith("#")) refs.push($ref);
    return object;
  });
  return refs;
}

/** Which part a `$ref` leads to, and what follows in it. */
function readRef(ref: string): { readonly part: string; readonly rest: string } {
  const [, part, rest = ""] = /^#\/(?:\$defs|definitions)\/([^/]*)(.*)$/s.exec(ref) ?? [];
  if (part === undefined) return { part: "", rest: ref.slice(1) };
  return { part: decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"), rest };
}

/** What the parts of a schema are called in the file. */
function namesOf(used: ReadonlySet<string>, place: string, copy: number): Map<string, string> {
  const suffix = copy === 1 ? "" : String(copy);
  const taken = new Set<string>();
  return new Map(
    [...used].map((name, index) => {
      const own = name === "" ? place : `${place}Part${index + 1}`;
      const wanted = name === "" || madeUp.test(name) ? own : nameOf(name);
      const free = taken.has(wanted) ? `${wanted}Part${index + 1}` : wanted;
      taken.add(free);
      return [name, free + suffix];
    }),
  );
}

function rewrite(schema: JsonSchema, names: ReadonlyMap<string, string>): JsonSchema {
  return mapObjects(schema, (object) => {
    const { $ref } = object;
    if (typeof $ref !== "string" || !$ref.startsWith("#")) return object;
    const { part, rest } = readRef($ref);
    const name = names.get(part);
    return name === undefined ? object : { ...object, $ref: `#/$defs/${name}${rest}` };
  }) as JsonSchema;
}

/** A name for a schema in the file, made of letters, digits and `_`, from the names of what leads to it. */
export function nameOf(...steps: readonly string[]): string {
  const words = steps.join(" ").match(/[A-Za-z0-9]+/g) ?? ["Schema"];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
