import type { StreamConfig } from "@nats-io/jetstream";

/** What a store is made of. */
export interface StoreSpec {
  readonly prefix: string;
  /** The second part of the names of its stream and its subjects. */
  readonly kind: string;
  /** How many tokens its keys have. */
  readonly keyTokens: number;
  readonly replicas: number;
  readonly storage: "file" | "memory";
  /** After which messages vanish; 0: never. */
  readonly ttlMs: number;
  /** Whether only the newest message of each key is kept. */
  readonly newestOnly: boolean;
  /** Where stored messages are published again, with `$1` and so on for the tokens of the key. */
  readonly republish?: string;
}

type OwnConfig = Partial<StreamConfig> &
  Pick<StreamConfig, "name" | "subjects" | "storage" | "max_age" | "num_replicas">;

/**
 * What the streams of a store are called, one after the other. A server forgets the name of a stream that is deleted
 * before it removes its files; another one of that name would lose its files with them, and go on without.
 */
export function streamName({ prefix, kind }: StoreSpec, incarnation: string): string {
  return `${prefix}_${kind}_${incarnation}`;
}

/**
 * A subject that all streams of a store have, to which nothing is stored. By it nodes find the one there is; and as no
 * two streams may have a subject, only one of several nodes makes it.
 */
export function subjectOf({ prefix, kind }: StoreSpec): string {
  return `${prefix}.${kind}`;
}

/** How a stream is made. `incarnation`: an id that is drawn for it. */
export function streamConfig(spec: StoreSpec, incarnation: string): OwnConfig {
  const { keyTokens, republish, storage, replicas, ttlMs, newestOnly } = spec;
  const subject = `${subjectOf(spec)}.${incarnation}${".*".repeat(keyTokens)}`;
  return {
    name: streamName(spec, incarnation),
    subjects: [subjectOf(spec), subject],
    storage,
    num_replicas: replicas,
    max_age: ttlMs * 1_000_000,
    max_msgs_per_subject: newestOnly ? 1 : -1,
    allow_direct: true,
    // The shortest that a server takes, which must not be above the age.
    duplicate_window: 100 * 1_000_000,
    ...(republish !== undefined && { republish: { src: subject, dest: republish } }),
  };
}

/** The id that a stream was made with; throws when it was not made by a broker with these options. */
export function incarnationOf(spec: StoreSpec, config: Partial<StreamConfig>): string {
  const { name, subjects = [], storage, republish, allow_direct } = config;
  const id = (subjects[1] ?? "").split(".")[2] ?? "";
  const own = streamConfig(spec, id);
  const isOwn =
    /^[\w-]+$/.test(id) &&
    name === own.name &&
    subjects.join() === own.subjects.join() &&
    allow_direct === own.allow_direct &&
    republish?.src === own.republish?.src &&
    republish?.dest === own.republish?.dest;
  if (!isOwn) throw new Error(`the stream ${name} is somebody else's: choose another prefix`);
  if (storage !== own.storage)
    throw new Error(`storage is "${own.storage}", and the stream ${name} was made with "${storage}"`);
  return id;
}
