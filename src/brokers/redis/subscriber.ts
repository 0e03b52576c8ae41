import type { Redis } from "ioredis";
import { systemClock, type Undo } from "../../base/clock.ts";
import { isMoved, Link, plain, within } from "./link.ts";

/** What a {@link Subscriber} needs of its server. */
export interface SubscriberContext {
  create(): Redis;
  readonly timeoutMs: number;
  readonly clustered: boolean;
  receive(channel: string, message: string): void;
  /** These channels were interrupted, and are delivered again. */
  receiveHole(channels: readonly string[]): void;
  /** Something was not heard for `timeoutMs`, and why; or, with null, everything is again. */
  receiveDeaf(reason: Error | null): void;
  /** The connection was lost. */
  receiveDown(): void;
  /** A channel is, or may be, another server's. */
  receiveMoved(): void;
}

/** Channels named in one command when all of them are subscribed to again. */
const groupMax = 500;
const retryMs = 250;

/** The connection to one server over which everything that is published there is heard. */
export class Subscriber {
  readonly #context: SubscriberContext;
  readonly #link: Link;
  /** What is to be heard, each with the newest attempt to subscribe to it. */
  readonly #channels = new Map<string, symbol>();
  /** Those of them that are not heard. */
  readonly #missing = new Set<string>();
  #reason = new Error("it was not connected yet");
  #isDeaf = false;
  #stopDeaf: Undo | null = null;
  #stopRetry: Undo | null = null;
  #stopPing: Undo | null = null;

  constructor(context: SubscriberContext) {
    this.#context = context;
    this.#link = new Link({
      create: () => context.create(),
      timeoutMs: context.timeoutMs,
      prepare: (redis) => this.#prepare(redis),
      up: () => this.#receiveUp(),
      down: (error) => this.#receiveDown(error),
    });
  }

  open(): Promise<void> {
    return this.#link.open();
  }

  openLater(): void {
    this.#link.openLater();
  }

  stop(): void {
    this.#stopPing?.();
    this.#stopRetry?.();
    this.#stopDeaf?.();
    this.#link.stop();
  }

  async subscribe(channel: string): Promise<void> {
    const redis = this.#link.redis;
    if (!redis) throw new Error(`Redis can't be reached: ${this.#reason.message}`, { cause: this.#reason });
    const attempt = Symbol(channel);
    this.#channels.set(channel, attempt);
    try {
      await within(this.#context.timeoutMs, this.#send(redis, [channel]));
      this.#missing.delete(channel);
    } catch (error) {
      // A newer attempt may have been granted meanwhile.
      if (this.#channels.get(channel) === attempt) this.#forget(channel);
      throw this.#judge(error as Error);
    }
  }

  /** Subscribes as soon as it can, and says then that something was missed. */
  subscribeLater(channel: string): void {
    if (this.#channels.has(channel)) return;
    this.#channels.set(channel, Symbol(channel));
    this.#missing.add(channel);
    this.#retryLater(0);
    this.#weigh();
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#forget(channel);
    const redis = this.#link.redis;
    if (!redis) return;
    const { timeoutMs, clustered } = this.#context;
    await within(timeoutMs, clustered ? redis.sunsubscribe(channel) : redis.unsubscribe(channel));
  }

  #forget(channel: string): void {
    this.#channels.delete(channel);
    if (this.#missing.delete(channel)) this.#weigh();
  }

  async #prepare(redis: Redis): Promise<void> {
    redis.on(this.#context.clustered ? "smessage" : "message", (channel: string, message: string) =>
      this.#context.receive(channel, message),
    );
    // The server itself ends a subscription when the slot of the channel goes elsewhere.
    redis.on("moved", () => this.#context.receiveMoved());
    for (const channel of this.#channels.keys()) this.#missing.add(channel);
    await this.#mend(redis);
  }

  /** Subscribes to what is missing; what the server refuses stays so. Returns what is heard again. */
  async #mend(redis: Redis): Promise<string[]> {
    const missing = [...this.#missing];
    // In a Redis Cluster, channels of different slots must not be in one command.
    const size = this.#context.clustered ? 1 : groupMax;
    const groups: Promise<string[]>[] = [];
    for (let start = 0; start < missing.length; start += size)
      groups.push(this.#ask(redis, missing.slice(start, start + size)));
    return (await Promise.all(groups)).flat();
  }

  async #ask(redis: Redis, channels: string[]): Promise<string[]> {
    try {
      await this.#send(redis, channels);
    } catch (error) {
      if ((error as Error).name !== "ReplyError") throw error;
      this.#reason = this.#judge(error as Error);
      return [];
    }
    return channels.filter((channel) => this.#missing.delete(channel));
  }

  async #send(redis: Redis, channels: readonly string[]): Promise<void> {
    await (this.#context.clustered ? redis.ssubscribe(...channels) : redis.subscribe(...channels));
  }

  #judge(error: Error): Error {
    if (isMoved(error)) this.#context.receiveMoved();
    return plain(error);
  }

  #retryLater(delayMs: number): void {
    if (this.#missing.size === 0) return;
    this.#stopRetry ??= systemClock.setTimer(delayMs, () => {
      this.#stopRetry = null;
      void this.#retry();
    });
  }

  async #retry(): Promise<void> {
    const redis = this.#link.redis;
    // Without a connection there will be another one, which begins with this.
    if (!redis) return;
    try {
      const heard = await within(this.#context.timeoutMs, this.#mend(redis));
      if (this.#link.redis === redis) this.#receiveHeard(heard);
    } catch (error) {
      if (this.#link.redis === redis) this.#link.fail(plain(error as Error));
    }
  }

  #receiveUp(): void {
    this.#pingLater();
    this.#receiveHeard([...this.#channels.keys()].filter((channel) => !this.#missing.has(channel)));
  }

  #receiveHeard(channels: readonly string[]): void {
    if (channels.length > 0) this.#context.receiveHole(channels);
    this.#retryLater(retryMs);
    this.#weigh();
  }

  #receiveDown(error: Error): void {
    this.#reason = error;
    this.#stopPing?.();
    this.#context.receiveDown();
    this.#weigh();
  }

  /** A moment without it shows in nothing but holes; a node that hears nothing for longer has to say so. */
  #weigh(): void {
    if (!this.#link.redis || this.#missing.size > 0) {
      this.#stopDeaf ??= systemClock.setTimer(this.#context.timeoutMs, () => {
        this.#isDeaf = true;
        this.#context.receiveDeaf(
          new Error(`what is published in Redis can't be heard: ${this.#reason.message}`),
        );
      });
      return;
    }
    this.#stopDeaf?.();
    this.#stopDeaf = null;
    if (this.#isDeaf) this.#context.receiveDeaf(null);
    this.#isDeaf = false;
  }

  /** A line that is dead but not closed shows in nothing else: whoever only listens never gets an error. */
  #pingLater(): void {
    this.#stopPing = systemClock.setTimer(this.#context.timeoutMs, () => {
      const redis = this.#link.redis;
      if (!redis) return;
      within(this.#context.timeoutMs, redis.ping()).then(
        () => this.#link.redis === redis && this.#pingLater(),
        (error: unknown) => this.#link.redis === redis && this.#link.fail(plain(error as Error)),
      );
    });
  }
}
