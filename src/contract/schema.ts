import { after, type Awaitable } from "../base/awaitable.ts";
import type { Issue } from "../protocol/errors.ts";

/**
 * Any schema that follows Standard Schema v1 (https://standardschema.dev): zod, valibot, arktype and others. Only this
 * structural type is used, so Bowline depends on none of them.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a Standard Schema answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What goes into a schema: what a caller passes. */
export type InputOf<S> = TypesOf<S> extends { readonly input: infer Input } ? Input : never;

/** What comes out of a schema: what a handler gets. */
export type OutputOf<S> = TypesOf<S> extends { readonly output: infer Output } ? Output : never;

type TypesOf<S> = S extends { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types>
  : never;

/** A value that passed, or what was wrong with it. */
export type Checked =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

/** Runs a schema. Most answer at once; one that checks asynchronously gives a promise. */
export function check(schema: Schema, value: unknown): Awaitable<Checked> {
  return after(schema["~standard"].validate(value), toChecked);
}

function toChecked(result: SchemaResult<unknown>): Checked {
  return result.issues ? { issues: result.issues.map(toIssue) } : result;
}

function toIssue({ message, path = [] }: SchemaIssue): Issue {
  return {
    message,
    path: path.map((step) => {
      const key = typeof step === "object" ? step.key : step;
      return typeof key === "number" ? key : String(key);
    }),
  };
}
