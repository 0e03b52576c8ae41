import { hashOf } from "../contract/contract-hash.ts";
import type { ContractFile, PayloadInFile } from "./contract-file.ts";
import { refsOf } from "./definitions.ts";
import { pointer, type JsonSchema } from "./json-schema.ts";

/**
 * Of each part of a contract that its outline says nothing about, a hash: schemas with the definitions that they refer to,
 * codes of requests, bounds of histories. By JSON Pointer to the part. Two nodes find by them what differs.
 */
export function digestsOf(file: ContractFile): Record<string, string> {
  const digests: Record<string, string> = {};
  const add = (steps: readonly string[], part: object): void => {
    digests[pointer(steps)] = hashOf({ part, defs: definitionsOf(part, file.$defs) });
  };
  const payloads = (steps: readonly string[], members: Readonly<Record<string, PayloadInFile>>): void => {
    for (const [name, { payload, sent }] of Object.entries(members)) add([...steps, name], { payload, sent });
  };
  for (const [pattern, room] of Object.entries(file.rooms)) {
    payloads(["rooms", pattern, "events"], room.events);
    payloads(["rooms", pattern, "signals"], room.signals);
    if (room.presence) add(["rooms", pattern, "presence"], room.presence);
    add(["rooms", pattern, "history"], room.history);
  }
  for (const [name, { input, output, errors }] of Object.entries(file.requests))
    add(["requests", name], { input, output, errors });
  if (file.inbox) {
    payloads(["inbox", "events"], file.inbox.events);
    add(["inbox", "history"], file.inbox.history);
  }
  return digests;
}

/** The parts that both have and that are not the same. */
export function partsThatDiffer(
  ours: Readonly<Record<string, string>>,
  theirs: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(ours)
    .filter((part) => Object.hasOwn(theirs, part) && theirs[part] !== ours[part])
    .toSorted();
}

/** The definitions that a part refers to, by way of others as well. */
function definitionsOf(part: object, all: ContractFile["$defs"]): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  const follow = (value: object): void => {
    for (const ref of refsOf(value)) {
      const name = ref.replace(/^#\/\$defs\/([^/]*).*$/s, "$1");
      const definition = all[name];
      if (!definition || Object.hasOwn(found, name)) continue;
      found[name] = definition;
      follow(definition);
    }
  };
  follow(part);
  return found;
}
