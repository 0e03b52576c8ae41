import { canonicalJson } from "../contract/canonical-json.ts";
import { inboxPattern } from "../contract/contract.ts";
import type { ContractFile, PayloadInFile } from "./contract-file.ts";
import { nameOf } from "./definitions.ts";
import type { JsonSchema } from "./json-schema.ts";

/** The schemas of a contract file by names, for formats that keep them apart from what uses them. */
export interface NamedSchemas {
  readonly all: Readonly<Record<string, JsonSchema>>;
  /** The name of the schema at a place, which is given by the names that lead to it. */
  nameAt(...steps: readonly string[]): string;
}

/** Gives every schema of a file a name of letters and digits: `ChatRoomMessage`, `RoomsListInput`, `InboxMention`. */
export function nameSchemas(file: ContractFile): NamedSchemas {
  const all: Record<string, JsonSchema> = { ...file.$defs };
  const names = new Map<string, string>();
  const add = (schema: JsonSchema, ...steps: readonly string[]): void => {
    const name = freeName(all, nameOf(...steps), schema);
    names.set(JSON.stringify(steps), name);
    if (!refersTo(schema, name)) all[name] = schema;
  };
  const addPayload = ({ payload, sent }: PayloadInFile, ...steps: readonly string[]): void => {
    add(payload, ...steps);
    if (sent) add(sent, ...steps, "sent");
  };
  for (const [pattern, { events, signals, presence }] of Object.entries(file.rooms)) {
    for (const [name, it] of Object.entries({ ...events, ...signals })) addPayload(it, pattern, name);
    // An event may have that name, too: it has no third step of that name.
    if (presence) addPayload(presence, pattern, "", "presence");
  }
  for (const [name, it] of Object.entries(file.inbox?.events ?? {})) addPayload(it, inboxPattern, name);
  for (const [name, { input, output }] of Object.entries(file.requests)) {
    add(input, "request", name, "input");
    add(output, "request", name, "output");
  }
  return { all, nameAt: (...steps) => names.get(JSON.stringify(steps)) as string };
}

/** The first of `X`, `X2`, `X3`, … that is not taken by another schema. */
function freeName(all: Readonly<Record<string, JsonSchema>>, wanted: string, schema: JsonSchema): string {
  for (let copy = 1; ; copy += 1) {
    const name = copy === 1 ? wanted : `${wanted}${copy}`;
    const taken = all[name];
    if (!taken || refersTo(schema, name) || canonicalJson(taken) === canonicalJson(schema)) return name;
  }
}

/** Whether a schema is a definition of the file, and nothing more. */
function refersTo({ $ref, ...others }: JsonSchema, name: string): boolean {
  return $ref === `#/$defs/${name}` && Object.keys(others).length === 0;
}
