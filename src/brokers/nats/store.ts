import type { ConsumerConfig, MsgRequest, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { systemRandom } from "../../base/random.ts";
import { noRoom, type Link } from "./link.ts";
import { scan, type Scan } from "./scan.ts";
import { metaHeader, storedOf, type Stored } from "./stored.ts";

/** What a {@link Store} is made of. */
export interface StoreSpec {
  readonly prefix: string;
  /** Names the stream and its subjects. */
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

/** A message to store. */
export interface Message {
  readonly meta?: string;
  readonly body: string;
}

type OwnConfig = Partial<StreamConfig> &
  Pick<StreamConfig, "name" | "subjects" | "storage" | "max_age" | "num_replicas">;

/** How often a stream has to be found shorter than it was before that is believed. */
const shorterMax = 3;
/** What stands around a message's meta data. */
const headerBytes = 512;
/** Another message was stored under the key since the one that was expected to be the last. */
const wrongLastSequence = new Set([10_071, 10_164]);
const nameInUse = new Set([10_058]);
const streamNotFound = new Set([10_059]);
const noMessageFound = new Set([10_037]);

/**
 * One stream of JetStream: the newest message of a key is read, and written only if it is still the one that was read.
 *
 * Its subjects hold an id that is drawn when the stream is made. A node that does not know yet that the stream was lost
 * and made anew writes to subjects that nobody has: what it knew of sequences can never be taken for the new one's.
 */
export class Store {
  readonly name: string;
  readonly #link: Link;
  readonly #spec: StoreSpec;
  readonly #subjectPrefix: string;
  #incarnation = "";
  /** The highest sequence this node knows of: a stream that ends before it has lost something. */
  #seen = 0;
  #foundShorter = 0;
  /** Bytes of the largest message that there was no room for, since there last was. */
  #refusedBytes = 0;

  constructor(link: Link, spec: StoreSpec) {
    this.#link = link;
    this.#spec = spec;
    this.name = `${spec.prefix}_${spec.kind}`;
    this.#subjectPrefix = `${spec.prefix}.${spec.kind}`;
  }

  /** Another one once the stream was lost, in part or as a whole, and made anew. */
  get incarnation(): string {
    return this.#incarnation;
  }

  /** Whether nothing was ever stored in it, when it was looked at last. */
  get isUnused(): boolean {
    return this.#seen === 0;
  }

  /** Makes sure that the stream is there, takes messages, and is whole as far as this node knows. */
  async open(): Promise<void> {
    // As it is before the question: what is stored while that is under way is not in the answer.
    const seen = this.#seen;
    const info = (await this.#info()) ?? (await this.#make());
    const incarnation = this.#incarnationOf(info.config);
    if (incarnation === this.#incarnation && info.state.last_seq < seen) return this.#receiveShorter();
    if (incarnation !== this.#incarnation) this.#seen = 0;
    this.#incarnation = incarnation;
    this.#foundShorter = 0;
    this.#saw(info.state.last_seq);
    if (this.#refusedBytes > 0) await this.#tryRoom();
  }

  get #endSubject(): string {
    return this.#nobodys("=end");
  }

  /** A key that no name has. */
  #nobodys(first: string): string {
    return this.subject([first, ...Array.from({ length: this.#spec.keyTokens - 1 }, () => "=")].join("."));
  }

  /** Applies this node's own settings to a stream that was made with others. Copies are never taken away. */
  async configure(): Promise<void> {
    const info = await this.#info();
    if (!info) return;
    const { max_age, num_replicas: replicas } = this.#config(this.#incarnation);
    const num_replicas = Math.max(replicas, info.config.num_replicas);
    if (info.config.max_age === max_age && info.config.num_replicas === num_replicas) return;
    await this.#link.manager.streams.update(this.name, { max_age, num_replicas });
  }

  /** Says, as the last of all, that nothing else was to come: whoever finds this at the end finds all that was before it. */
  async writeEnd(): Promise<void> {
    const seq = await this.#publish(this.#endSubject, { body: "" });
    await this.purge(this.#endSubject, seq);
  }

  /** Whether it says itself that nothing is missing: it is empty, or has that at its end. */
  async hasEnd(): Promise<boolean> {
    const info = await this.#info();
    if (!info || info.state.messages === 0) return true;
    return (await this.last(this.#endSubject))?.seq === info.state.last_seq;
  }

  /** Makes it anew: what was in it can't be trusted. */
  async renew(): Promise<void> {
    await this.#link.manager.streams.delete(this.name).catch(() => false);
    await this.open();
  }

  /** The subject of a key, as long as the stream is the one it is now. */
  subject(key: string): string {
    return `${this.#subjectPrefix}.${this.#incarnation}.${key}`;
  }

  /** Stores a message, whatever is there. */
  async write(subject: string, message: Message): Promise<void> {
    await this.#publish(subject, message);
  }

  /** Stores a message as the one after `last`; gives its sequence, or null when another one is the last. */
  async put(subject: string, message: Message, last: number): Promise<number | null> {
    try {
      return await this.#publish(subject, message, last);
    } catch (error) {
      if (this.#isRefusal(error, wrongLastSequence)) return null;
      throw error;
    }
  }

  /** The newest message of a subject, or of all that a pattern fits: asked of the server that decides about it. */
  async last(subject: string): Promise<Stored | null> {
    return this.#get({ last_by_subj: subject });
  }

  /** The message with this sequence. */
  async at(seq: number): Promise<Stored | null> {
    const found = await this.#link.call(() => this.#link.manager.direct.getMessage(this.name, { seq }));
    // A copy that lags behind may not have it yet.
    return found ? storedOf(found.subject, found.seq, found.header, found.string()) : this.#get({ seq });
  }

  /** Everything under a pattern, oldest first. */
  async scan(what: Scan): Promise<Stored[]> {
    const config: Partial<ConsumerConfig> = { num_replicas: 1, mem_storage: true };
    const found = await this.#link.call(() => scan(this.#link, this.name, what, config));
    for (const { seq } of found) this.#saw(seq);
    return found;
  }

  /** Removes what is stored under a subject, all of it or what is before a sequence. */
  async purge(subject: string, before?: number): Promise<void> {
    const what = before === undefined ? { filter: subject } : { filter: subject, seq: before };
    await this.#link.call(() => this.#link.manager.streams.purge(this.name, what));
  }

  async #publish(subject: string, { meta = "", body }: Message, last?: number): Promise<number> {
    const bytes = Buffer.byteLength(meta) + Buffer.byteLength(body) + headerBytes;
    this.#link.checkSize(bytes);
    const headers = this.#link.client.headers();
    if (meta !== "") headers.set(metaHeader, meta);
    const options = { headers, ...(last !== undefined && { expect: { lastSubjectSequence: last } }) };
    try {
      const { seq } = await this.#link.call(() => this.#link.jetstream.publish(subject, body, options));
      this.#saw(seq);
      return seq;
    } catch (error) {
      if (this.#isRefusal(error, noRoom)) this.#refusedBytes = Math.max(this.#refusedBytes, bytes);
      throw error;
    }
  }

  #isRefusal(error: unknown, codes: ReadonlySet<unknown>): boolean {
    return error instanceof this.#link.client.JetStreamApiError && codes.has(error.code);
  }

  async #get(query: MsgRequest): Promise<Stored | null> {
    try {
      const found = await this.#link.call(() => this.#link.manager.streams.getMessage(this.name, query));
      if (!found) return null;
      this.#saw(found.seq);
      return storedOf(found.subject, found.seq, found.header, found.string());
    } catch (error) {
      if (this.#isRefusal(error, noMessageFound)) return null;
      throw error;
    }
  }

  /**
   * The stream ends before it did, as when the server's disk lost its end: sequences given out before must not be given
   * out again, so it is made anew. Not at the first sight of it, for a server of a cluster that just took the stream over
   * may not know the newest yet.
   */
  async #receiveShorter(): Promise<void> {
    this.#foundShorter += 1;
    if (this.#foundShorter < shorterMax)
      throw new Error(`nats: the stream ${this.name} is shorter than it was`);
    return this.renew();
  }

  /** The id that a stream was made with; throws when it was not made by a broker with these options. */
  #incarnationOf({ subjects = [], storage, republish, allow_direct }: Partial<StreamConfig>): string {
    const id = (subjects[0] ?? "").split(".")[2] ?? "";
    const own = this.#config(id);
    const isOwn =
      /^[\w-]+$/.test(id) &&
      subjects.join() === own.subjects.join() &&
      allow_direct === own.allow_direct &&
      republish?.src === own.republish?.src &&
      republish?.dest === own.republish?.dest;
    if (!isOwn) throw new Error(`the stream ${this.name} is somebody else's: choose another prefix`);
    if (storage !== own.storage)
      throw new Error(`storage is "${own.storage}", and the stream ${this.name} was made with "${storage}"`);
    return id;
  }

  #saw(seq: number): void {
    if (seq > this.#seen) this.#seen = seq;
  }

  // What follows is asked while the link counts as lost, too: that is how it is found again.

  /** Writes as much as there was no room for, under a key of nobody's, and takes it away: else the next call would fail. */
  async #tryRoom(): Promise<void> {
    const subject = this.#nobodys("=");
    const { seq } = await this.#link.jetstream.publish(subject, "{}".padEnd(this.#refusedBytes));
    this.#saw(seq);
    await this.#link.manager.streams.purge(this.name, { filter: subject });
    this.#refusedBytes = 0;
  }

  async #info(): Promise<StreamInfo | null> {
    try {
      return await this.#link.manager.streams.info(this.name);
    } catch (error) {
      if (this.#isRefusal(error, streamNotFound)) return null;
      throw error;
    }
  }

  /** Of several nodes that make it at a time, one does; the others take what that made. */
  async #make(): Promise<StreamInfo> {
    try {
      return await this.#link.manager.streams.add(this.#config(systemRandom.id(10)));
    } catch (error) {
      if (!this.#isRefusal(error, nameInUse)) throw error;
      return this.#link.manager.streams.info(this.name);
    }
  }

  #config(incarnation: string): OwnConfig {
    const { keyTokens, republish, storage, replicas, ttlMs, newestOnly } = this.#spec;
    const subject = `${this.#subjectPrefix}.${incarnation}${".*".repeat(keyTokens)}`;
    return {
      name: this.name,
      subjects: [subject],
      storage: storage,
      num_replicas: replicas,
      max_age: ttlMs * 1_000_000,
      max_msgs_per_subject: newestOnly ? 1 : -1,
      allow_direct: true,
      // The shortest that a server takes, which must not be above the age.
      duplicate_window: 100 * 1_000_000,
      ...(republish !== undefined && { republish: { src: subject, dest: republish } }),
    };
  }
}
