import { pointer, without, type JsonSchema, type LostPart } from "./json-schema.ts";

/**
 * What the converters of single libraries are told, so that they say what they leave out, and close objects that refuse or
 * drop what they do not name. Nothing of the libraries is imported: these are the parts of their interfaces that are used.
 */

/** Notes something that is lost. */
export type Lose = (part: LostPart) => void;

/** Member of a schema under which a converter notes what it has lost there. It is taken out again. */
export const lostMark = "x-lost-here";

/** Options for the converter of a library, by the vendor's name in its schemas. */
export const vendorOptions: Readonly<Record<string, (lose: Lose) => object>> = {
  zod: zodOptions,
  valibot: valibotOptions,
  arktype: arktypeOptions,
};

interface ZodSchema {
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly in?: ZodSchema;
      readonly out?: ZodSchema;
      readonly catchall?: unknown;
      readonly coerce?: boolean;
      readonly checks?: readonly { readonly _zod: { readonly def: { readonly check: string } } }[];
    };
    readonly traits?: ReadonlySet<string>;
  };
}

interface ZodPlace {
  readonly zodSchema: ZodSchema;
  readonly jsonSchema: Record<string, unknown>;
  readonly path?: readonly PropertyKey[];
}

/** Types of values that JSON has not. */
const zodForeign = new Set(
  "bigint symbol undefined void date map set nan function file promise custom".split(" "),
);

function zodOptions(lose: Lose): object {
  return {
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema, path = [] }: ZodPlace): void => {
      const { type, catchall, checks = [] } = zodSchema._zod.def;
      const at = pointer(path);
      if (type === "object" && !catchall) jsonSchema["additionalProperties"] = false;
      if (zodForeign.has(type)) lose({ at, what: "type", text: `${type} is no type of JSON` });
      if (isZodTransform(zodSchema)) lose({ at, what: "transform", text: `changed by ${type}` });
      for (const { _zod } of checks) {
        const { check } = _zod.def;
        if (check === "custom") lose({ at, what: "refinement", text: "a check by a function" });
        if (check === "overwrite") lose({ at, what: "transform", text: "changed by a check such as trim" });
      }
    },
  };
}

function isZodTransform({ _zod: { def, traits } }: ZodSchema): boolean {
  if (def.type === "transform" || def.type === "catch" || def.coerce === true) return true;
  const ends = [def.in?._zod.def.type, def.out?._zod.def.type];
  return def.type === "pipe" && (ends.includes("transform") || traits?.has("$ZodCodec") === true);
}

interface ValibotPlace {
  readonly valibotSchema: { readonly type: string };
  readonly jsonSchema: JsonSchema;
  readonly errors?: readonly string[];
}

interface ValibotActionPlace {
  readonly valibotAction: { readonly kind: string; readonly type: string };
  readonly jsonSchema: JsonSchema;
  readonly errors?: readonly string[];
}

function valibotOptions(): object {
  return {
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema: { type }, jsonSchema, errors }: ValibotPlace): JsonSchema => {
      const own = type === "object" ? { ...jsonSchema, additionalProperties: false } : jsonSchema;
      const closed = type === "intersect" ? closeIntersection(own) : own;
      return errors ? marked(closed, "type", errors.join(" ")) : closed;
    },
    overrideAction: ({
      valibotAction: { kind, type },
      jsonSchema,
      errors,
    }: ValibotActionPlace): JsonSchema => {
      if (!errors) return jsonSchema;
      const what = kind === "transformation" ? "transform" : "refinement";
      return marked(jsonSchema, what, `the action ${type}`);
    },
  };
}

/** Each part of an intersection would refuse what the others name: it is closed as a whole, where all parts are. */
function closeIntersection(schema: JsonSchema): JsonSchema {
  const parts = schema["allOf"] as readonly JsonSchema[];
  if (!parts.every((part) => part["additionalProperties"] === false)) return schema;
  const open = parts.map((part) => without(part, "additionalProperties"));
  return { ...schema, allOf: open, unevaluatedProperties: false };
}

interface ArktypePlace {
  readonly code: string;
  readonly base: JsonSchema;
}

function arktypeOptions(): object {
  const kinds: Readonly<Record<string, LostPart["what"]>> = { morph: "transform", predicate: "refinement" };
  const fallback = ({ code, base }: ArktypePlace): JsonSchema | undefined =>
    code === "defaultValue" ? undefined : marked(base, kinds[code] ?? "type", code);
  return { fallback: { default: fallback } };
}

function marked(schema: JsonSchema, what: LostPart["what"], text: string): JsonSchema {
  const before = (schema[lostMark] ?? []) as readonly object[];
  return { ...schema, [lostMark]: [...before, { what, text }] };
}
