import type { ConsumerConfig, MsgRequest, StreamInfo } from "@nats-io/jetstream";
import { systemRandom } from "../../base/random.ts";
import { noRoom, type Link } from "./link.ts";
import { scan, type Scan } from "./scan.ts";
import { metaHeader, storedOf, type Stored } from "./stored.ts";
import { incarnationOf, streamConfig, streamName, subjectOf, type StoreSpec } from "./stream-config.ts";

/** A message to store. */
export interface Message {
  readonly meta?: string;
  readonly body: string;
}

/** How often a stream has to be found shorter than it was before that is believed. */
const shorterMax = 3;
/** What stands around a message's meta data. */
const headerBytes = 512;
/** Another message was stored under the key since the one that was expected to be the last. */
const wrongLastSequence = new Set([10_071, 10_164]);
const subjectsInUse = new Set([10_065]);
const streamNotFound = new Set([10_059]);
const noMessageFound = new Set([10_037]);

/**
 * One stream of JetStream: the newest message of a key is read, and written only if it is still the one that was read.
 *
 * Its subjects hold an id that is drawn when the stream is made. A node that does not know yet that the stream was lost
 * and made anew writes to subjects that nobody has: what it knew of sequences can never be taken for the new one's.
 */
export class Store {
  readonly #link: Link;
  readonly #spec: StoreSpec;
  #name = "";
  #incarnation = "";
  /** The highest sequence this node knows of: a stream that ends before it has lost something. */
  #seen = 0;
  #foundShorter = 0;
  /** Bytes of the largest message that there was no room for, since there last was. */
  #refusedBytes = 0;

  constructor(link: Link, spec: StoreSpec) {
    this.#link = link;
    this.#spec = spec;
  }

  /** Another one once the stream was lost, in part or as a whole, and made anew. */
  get incarnation(): string {
    return this.#incarnation;
  }

  /** The highest sequence that this node knows of. */
  get seen(): number {
    return this.#seen;
  }

  /** Whether nothing was ever stored in it, when it was looked at last. */
  get isUnused(): boolean {
    return this.#seen === 0;
  }

  /** Makes sure that the stream is there, takes messages, and is whole as far as this node knows. */
  async open(): Promise<void> {
    // As it is before the question: what is stored while that is under way is not in the answer.
    const seen = this.#seen;
    const info = (await this.#find()) ?? (await this.#make());
    const incarnation = incarnationOf(this.#spec, info.config);
    this.#name = info.config.name;
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
    const info = await this.#info(this.#name);
    if (!info) return;
    const { max_age, num_replicas: replicas } = streamConfig(this.#spec, this.#incarnation);
    const num_replicas = Math.max(replicas, info.config.num_replicas);
    if (info.config.max_age === max_age && info.config.num_replicas === num_replicas) return;
    await this.#link.manager.streams.update(this.#name, { max_age, num_replicas });
  }

  /** Says, as the last of all, that nothing else was to come: whoever finds this at the end finds all that was before it. */
  async writeEnd(): Promise<void> {
    const seq = await this.#publish(this.#endSubject, { body: "" });
    await this.purge(this.#endSubject, seq);
  }

  /** Whether it says itself that nothing is missing: it is empty, or has that at its end. */
  async hasEnd(): Promise<boolean> {
    const info = await this.#info(this.#name);
    if (!info || info.state.messages === 0) return true;
    return (await this.last(this.#endSubject))?.seq === info.state.last_seq;
  }

  /** Makes it anew: what was in it can't be trusted. */
  async renew(): Promise<void> {
    await this.#link.manager.streams.delete(this.#name).catch(() => false);
    await this.open();
  }

  /** The subject of a key, as long as the stream is the one it is now. */
  subject(key: string): string {
    return `${subjectOf(this.#spec)}.${this.#incarnation}.${key}`;
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
    const found = await this.#link.call(() => this.#link.manager.direct.getMessage(this.#name, { seq }));
    // A copy that lags behind may not have it yet.
    return found ? storedOf(found.subject, found.seq, found.header, found.string()) : this.#get({ seq });
  }

  /** Everything under a pattern, oldest first. */
  async scan(what: Scan): Promise<Stored[]> {
    const config: Partial<ConsumerConfig> = { num_replicas: 1, mem_storage: true };
    const found = await this.#link.call(() => scan(this.#link, this.#name, what, config));
    for (const { seq } of found) this.#saw(seq);
    return found;
  }

  /** Removes what is stored under a subject, all of it or what is before a sequence. */
  async purge(subject: string, before?: number): Promise<void> {
    const what = before === undefined ? { filter: subject } : { filter: subject, seq: before };
    await this.#link.call(() => this.#link.manager.streams.purge(this.#name, what));
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
      const found = await this.#link.call(() => this.#link.manager.streams.getMessage(this.#name, query));
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
      throw new Error(`nats: the stream ${this.#name} is shorter than it was`);
    return this.renew();
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
    await this.#link.manager.streams.purge(this.#name, { filter: subject });
    this.#refusedBytes = 0;
  }

  /** Asks for the stream that has the common subject, whatever its name is. */
  async #find(): Promise<StreamInfo | null> {
    const names: string[] = [];
    for await (const name of this.#link.manager.streams.names(subjectOf(this.#spec))) names.push(name);
    const [name, ...others] = names.sort();
    // Servers of a cluster may let two nodes make one each at the same moment: all nodes keep the same one.
    for (const other of others)
      if (other.startsWith(streamName(this.#spec, ""))) await this.#link.manager.streams.delete(other);
    return name === undefined ? null : this.#info(name);
  }

  async #info(name: string): Promise<StreamInfo | null> {
    try {
      return await this.#link.manager.streams.info(name);
    } catch (error) {
      if (this.#isRefusal(error, streamNotFound)) return null;
      throw error;
    }
  }

  /** Of several nodes that make it at a time, one does; the others take what that made. */
  async #make(): Promise<StreamInfo> {
    try {
      return await this.#link.manager.streams.add(streamConfig(this.#spec, systemRandom.id(10)));
    } catch (error) {
      const found = this.#isRefusal(error, subjectsInUse) ? await this.#find() : null;
      if (!found) throw error;
      return found;
    }
  }
}
