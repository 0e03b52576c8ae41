import type { ContractFile } from "./contract-file.ts";
import type { JsonSchema } from "./json-schema.ts";
import { nameSchemas } from "./named-schemas.ts";

/**
 * The schemas of a contract as one JSON Schema document, each by a name under `$defs`: what generators of types read.
 *
 * @example
 * jsonSchemaBundle(describe(chat)).$defs["ChatRoomMessage"];
 */
export function jsonSchemaBundle(file: ContractFile): JsonSchema {
  const { all } = nameSchemas(file);
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $defs: all };
}
