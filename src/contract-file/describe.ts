import { canonicalJson, sortedEntries } from "../contract/canonical-json.ts";
import {
  inboxPattern,
  type Contract,
  type EventDefinition,
  type HistoryBound,
  type RequestDefinition,
  type RoomDefinition,
  type SignalDefinition,
} from "../contract/contract.ts";
import { hashOf } from "../contract/contract-hash.ts";
import type { Schema } from "../contract/schema.ts";
import {
  contractFileVersion,
  type ContractFile,
  type EventInFile,
  type HistoryInFile,
  type InboxInFile,
  type Lost,
  type PayloadInFile,
  type RequestInFile,
  type RoomInFile,
} from "./contract-file.ts";
import { convertSchema } from "./convert.ts";
import { Definitions, nameOf } from "./definitions.ts";
import { pointer, without, type JsonSchema } from "./json-schema.ts";

/**
 * A contract as data, for what can't import it: the object of `contract.json`. Names stand in a fixed order, so that the
 * same contract always gives the same text. Schemas become JSON Schema 2020-12 through the Standard JSON Schema interface
 * (zod 4.2 or newer, ArkType, Valibot's in `toStandardJsonSchema()`); what that can't say stands in `lost`. Never throws.
 *
 * @example
 * writeFileSync("contract.json", contractText(describe(chat)));
 */
export function describe(contract: Contract): ContractFile {
  return new Description().of(contract);
}

/** The text of a `contract.json`, for people to read and to compare. */
export function contractText(file: ContractFile): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(file)), null, 2)}\n`;
}

/** What nodes compare: the hash of a file without `lost`, which says how it was made. */
export function contractFileHash(file: ContractFile): string {
  return hashOf(without(file, "lost"));
}

/** Gathers what the schemas of a contract have in common while they are converted. */
class Description {
  readonly #definitions = new Definitions();
  readonly #lost: Lost[] = [];

  of({ rooms, requests, hasInbox }: Contract): ContractFile {
    const inbox = hasInbox ? rooms[inboxPattern] : undefined;
    const others = Object.entries(rooms).filter(([pattern]) => !inbox || pattern !== inboxPattern);
    return {
      contract: contractFileVersion,
      rooms: mapSorted(Object.fromEntries(others), (room, pattern) => this.#room(room, pattern)),
      requests: mapSorted(requests, (request, name) => this.#request(request, name)),
      inbox: inbox ? this.#inbox(inbox) : null,
      // Read last: what is above fills them.
      $defs: this.#definitions.all,
      lost: this.#lost,
    };
  }

  #room({ events, presence, history }: RoomDefinition, pattern: string): RoomInFile {
    const of = (kind: "event" | "signal"): Record<string, EventInFile> =>
      mapSorted(filterKind(events, kind), ({ payload, from }, name) => ({
        from,
        ...this.#payload(payload, ["rooms", pattern, `${kind}s`, name], [pattern, name], from),
      }));
    const place = ["rooms", pattern, "presence"];
    return {
      events: of("event"),
      signals: of("signal"),
      presence: presence ? this.#payload(presence, place, [pattern, "presence"], "client") : null,
      history: historyOf(history),
    };
  }

  #request({ input, output, errors, idempotent }: RequestDefinition, name: string): RequestInFile {
    const place = (side: "input" | "output"): string[] => ["requests", name, side];
    return {
      input: this.#schema(input, "input", place("input"), ["request", name, "input"]),
      output: this.#schema(output, "output", place("output"), ["request", name, "output"]),
      errors: errors.toSorted(),
      idempotent,
    };
  }

  #inbox({ events, history }: RoomDefinition): InboxInFile {
    return {
      events: mapSorted(events, ({ payload }, name) =>
        this.#payload(payload, ["inbox", "events", name], [inboxPattern, name], "server"),
      ),
      history: historyOf(history),
    };
  }

  /** What a client sends stands beside what is received where it is something else. */
  #payload(
    schema: Schema,
    place: readonly string[],
    name: readonly string[],
    from: "client" | "server",
  ): PayloadInFile {
    const { input, output, lost } = convertSchema(schema);
    const isSame = canonicalJson(input) === canonicalJson(output);
    for (const part of lost) this.#lost.push({ of: pointer(place), ...part });
    const payload = this.#definitions.take(output, nameOf(...name));
    if (from === "server" || isSame) return { payload };
    return { payload, sent: this.#definitions.take(input, nameOf(...name, "sent")) };
  }

  #schema(
    schema: Schema,
    side: "input" | "output",
    place: readonly string[],
    name: readonly string[],
  ): JsonSchema {
    const { lost, [side]: converted } = convertSchema(schema);
    for (const part of lost) this.#lost.push({ of: pointer(place), ...part });
    return this.#definitions.take(converted, nameOf(...name));
  }
}

/** JSON has no infinity. */
function historyOf({ ageMs, ...others }: HistoryBound): HistoryInFile {
  return { ...others, ageMs: Number.isFinite(ageMs) ? ageMs : null };
}

function filterKind(
  events: RoomDefinition["events"],
  kind: "event" | "signal",
): Record<string, EventDefinition | SignalDefinition> {
  return Object.fromEntries(Object.entries(events).filter(([, it]) => it.kind === kind));
}

function mapSorted<From, To>(
  members: Readonly<Record<string, From>>,
  change: (member: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(sortedEntries<From>(members).map(([name, it]) => [name, change(it, name)]));
}
