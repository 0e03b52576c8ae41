import type { Schema } from "./schema.ts";

/** Refuses what is no schema. */
export function checkSchema<S extends Schema>(schema: S, option: string): S {
  if (typeof (schema as S | undefined)?.["~standard"]?.validate !== "function") {
    throw new TypeError(
      `${option} must be a Standard Schema (zod 3.24 or newer, valibot, arktype, …), not ${typeof schema}`,
    );
  }
  return schema;
}

/** Refuses what none of these functions made. */
export function checkKind(
  name: string,
  definition: { readonly kind: string } | undefined,
  ...kinds: readonly string[]
): void {
  if (!kinds.includes(String(definition?.kind)))
    throw new TypeError(`${name} must be made with ${kinds.join("() or ")}()`);
}
