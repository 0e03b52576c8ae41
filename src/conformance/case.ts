/** Any JSON value that is an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How much a case weighs, in the words of RFC 2119. */
export type Level = "MUST" | "SHOULD" | "MAY";

/** One case of the suite, as it stands in a file of `spec/cases`, checked. */
export interface ConformanceCase {
  /** `<section>/<name>`. */
  readonly id: string;
  readonly section: string;
  readonly level: Level;
  /** One sentence that says what has to hold. */
  readonly about: string;
  /** Capabilities that it needs; an implementation without one skips the case. */
  readonly tags: readonly string[];
  /** What the server or client under test is started with. */
  readonly config: JsonObject;
  /** Whether it gets a process of its own, as it would disturb others. */
  readonly alone: boolean;
  readonly steps: readonly JsonObject[];
}

/** Sections of the protocol's text, in its order. Every case belongs to one. */
export const sections = [
  "transport",
  "connecting",
  "probe",
  "frames",
  "sessions",
  "refs",
  "publishes",
  "requests",
  "rooms",
  "gaps",
  "slow-readers",
  "signals",
  "presence",
  "heartbeat",
  "reconnecting",
  "goaway",
  "degraded",
  "limits",
  "closing",
  "contract",
  "compatibility",
] as const;

export const levels: readonly Level[] = ["MUST", "SHOULD", "MAY"];

/** Capabilities that an implementation may lack. */
export const knownTags = [
  "presence",
  "signals",
  "inbox",
  "store",
  "persistence",
  "clock",
  "chance",
  "wake",
  "untold",
  "user",
  "unwritable",
] as const;
