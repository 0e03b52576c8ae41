import type { JsonSchema, LostPart } from "./json-schema.ts";

/** Version of the format of {@link ContractFile}. */
export const contractFileVersion = 1;

/** A contract as data: what `contract.json` holds. The normative text is `spec/CONTRACT.md`. */
export interface ContractFile {
  readonly contract: typeof contractFileVersion;
  /** By pattern. */
  readonly rooms: Readonly<Record<string, RoomInFile>>;
  /** By name. */
  readonly requests: Readonly<Record<string, RequestInFile>>;
  /** Null where the contract has none. */
  readonly inbox: InboxInFile | null;
  /** What the schemas refer to, as `#/$defs/…`. */
  readonly $defs: Readonly<Record<string, JsonSchema>>;
  /** What the schemas do not say. Not a part of the hash. */
  readonly lost: readonly Lost[];
}

/** One kind of room. */
export interface RoomInFile {
  readonly events: Readonly<Record<string, EventInFile>>;
  readonly signals: Readonly<Record<string, EventInFile>>;
  readonly presence: PayloadInFile | null;
  readonly history: HistoryInFile;
}

/** What flows under one name. */
export interface PayloadInFile {
  /** What members receive, and the log holds. */
  readonly payload: JsonSchema;
  /** What a client sends, where the server makes something else of it. */
  readonly sent?: JsonSchema;
}

/** An event or a signal. */
export interface EventInFile extends PayloadInFile {
  readonly from: "client" | "server";
}

/** Bound of a log: publications, milliseconds (null: any age), bytes. */
export interface HistoryInFile {
  readonly count: number;
  readonly ageMs: number | null;
  readonly bytes: number;
}

/** A request: what a client sends, and what it receives. */
export interface RequestInFile {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  /** Codes of the application's own, sorted. */
  readonly errors: readonly string[];
  readonly idempotent: boolean;
}

/** The room of each user. */
export interface InboxInFile {
  readonly events: Readonly<Record<string, Pick<PayloadInFile, "payload">>>;
  readonly history: HistoryInFile;
}

/** Something that a schema of the file does not say. */
export interface Lost extends LostPart {
  /** JSON Pointer to what has the schema: an event, a signal, a presence, an input or output. */
  readonly of: string;
}
