import { canonicalJson } from "../contract/canonical-json.ts";
import type { Schema } from "../contract/schema.ts";
import { mapObjects, pointer, type JsonSchema, type LostPart } from "./json-schema.ts";
import { lostMark, vendorOptions, type Lose } from "./vendors.ts";

type Side = "input" | "output";

/** A schema as JSON Schema: of what goes into it, and of what comes out, with what neither says. */
export interface Converted {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly lost: readonly LostPart[];
}

interface Converters {
  readonly vendor: string;
  readonly jsonSchema?: Readonly<Record<Side, (options: object) => unknown>>;
}

/** What schemas of ArkType have had since before the interface that all libraries share. */
interface OwnConverter {
  readonly in?: { readonly toJsonSchema?: (options: object) => unknown };
  readonly out?: { readonly toJsonSchema?: (options: object) => unknown };
}

const target = "draft-2020-12";

/** What helps where a library's schemas have no converter. */
const remedies: Readonly<Record<string, string>> = {
  zod: "use zod 4.2 or newer, and not zod/mini",
  valibot: "wrap it in toStandardJsonSchema() of @valibot/to-json-schema",
  arktype: "use arktype 2.1 or newer",
};

/**
 * Converts a schema by the Standard JSON Schema interface that it has, or by the converter of its library. Never throws:
 * what can't be converted is `{}`, which fits anything, and is told as lost.
 */
export function convertSchema(schema: Schema): Converted {
  const lost = new Map<string, LostPart>();
  // Both sides tell of the same places.
  const lose: Lose = (part) => void lost.set(`${part.at} ${part.what}`, part);
  const output = convertSide(schema, "output", lose);
  const sides = { input: closeLike(convertSide(schema, "input", lose), output), output };
  for (const at of changedPlaces(sides.input, sides.output))
    if (!lost.has(`${at} transform`))
      lose({ at, what: "transform", text: "what comes out is not what went in" });
  const byPlace = [...lost].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...sides, lost: byPlace.map(([, part]) => part) };
}

/** Where one side says something else than the other, apart from defaults, which JSON Schema can say. */
function changedPlaces(input: JsonSchema, output: JsonSchema, steps: readonly string[] = []): string[] {
  const names = Object.keys({ ...input, ...output }).filter((name) => !saidByDefaults.has(name));
  const inner = names.filter((name) => isObject(input[name]) && isObject(output[name]));
  const isChanged = names.some(
    (name) => !inner.includes(name) && canonicalJson(input[name]) !== canonicalJson(output[name]),
  );
  if (isChanged) return [pointer(steps)];
  return inner.flatMap((name) =>
    changedPlaces(input[name] as JsonSchema, output[name] as JsonSchema, [...steps, name]),
  );
}

/** Closes the objects that drop what they do not name: only what comes out of them says so. */
function closeLike(input: JsonSchema, output: JsonSchema): JsonSchema {
  const members = Object.entries(input).map(([name, it]) => {
    const other = output[name];
    return [name, isObject(it) && isObject(other) ? closeLike(it as JsonSchema, other as JsonSchema) : it];
  });
  const drops = input["type"] === "object" && output["additionalProperties"] === false;
  return {
    ...(drops && { additionalProperties: false }),
    ...(Object.fromEntries(members) as JsonSchema),
  };
}

const saidByDefaults = new Set(["default", "required", "additionalProperties"]);

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function convertSide(schema: Schema, side: Side, lose: Lose): JsonSchema {
  const { vendor } = schema["~standard"];
  try {
    const convert = converterOf(schema, side);
    if (convert) return readConverted(convert(vendorOptions[vendor]?.(lose)), lose);
    const remedy = remedies[vendor] ?? "use a schema that has the Standard JSON Schema interface";
    lose({ at: "", what: "schema", text: `this schema of ${vendor} has no JSON Schema: ${remedy}` });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    lose({ at: "", what: "schema", text: `${vendor} can't convert it: ${why}` });
  }
  return {};
}

function converterOf(schema: Schema, side: Side): ((libraryOptions?: object) => unknown) | null {
  const { jsonSchema } = schema["~standard"] as Converters;
  if (jsonSchema)
    return (libraryOptions) => jsonSchema[side]({ target, ...(libraryOptions && { libraryOptions }) });
  const own = schema as OwnConverter;
  const half = side === "input" ? own.in : own.out;
  return half?.toJsonSchema ? (libraryOptions = {}) => half.toJsonSchema?.(libraryOptions) : null;
}

/** As plain JSON, without the dialect, which is that of the whole file, and without the marks of what is lost. */
function readConverted(converted: unknown, lose: Lose): JsonSchema {
  const plain: unknown = JSON.parse(canonicalJson(converted));
  if (typeof plain !== "object" || plain === null || Array.isArray(plain))
    throw new TypeError("it gave no JSON Schema object");
  return mapObjects(plain, (object, steps) => {
    const { [lostMark]: marks } = object;
    if (Array.isArray(marks))
      for (const mark of marks as Omit<LostPart, "at">[]) lose({ ...mark, at: pointer(steps) });
    return Object.fromEntries(Object.entries(object).filter((member) => !isLeftOut(member)));
  }) as JsonSchema;
}

/** Whether a schema of the file does not have a member. What has its name among a user's properties is no text or list. */
function isLeftOut([name, value]: [string, unknown]): boolean {
  if (name === lostMark) return Array.isArray(value);
  return (name === "$schema" || name === "$id") && typeof value === "string";
}
