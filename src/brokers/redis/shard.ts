import type { Redis } from "ioredis";
import { systemClock, type Undo } from "../../base/clock.ts";
import { checkRole, identify, readInfo } from "./incarnation.ts";
import { Link, within } from "./link.ts";
import type { Script } from "./script.ts";
import { scripts } from "./scripts.ts";

/** What a {@link Shard} needs of the broker. */
export interface ShardContext {
  create(): Redis;
  /** The key that tells one data set from another. */
  marker(): string;
  readonly timeoutMs: number;
  readonly clustered: boolean;
  receive(channel: string, message: string): void;
  /** These channels were interrupted, and are delivered again. */
  receiveHole(channels: readonly string[]): void;
  /** The server can't be used, and why; or, with null, it can again. */
  receiveOutage(shard: Shard, reason: Error | null): void;
  /** Its data set was found out; `isNew`: it was another one before. */
  receiveToken(isNew: boolean): void;
  /** It is not, or not any more, the server for the key that was asked for. */
  receiveMoved(): void;
}

/** What a script is run with. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** A command that waits for the end of the turn, when all of them are sent in one write. */
interface Waiting {
  /** Asked for at the last moment: until then more may be added to it. */
  readonly args: () => readonly string[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Channels named in one command when all of them are subscribed to again. */
const resubscribeMax = 500;
const probeMs = 250;

/** One Redis server with what it is used through: a connection for commands, and one for what is published. */
export class Shard {
  /** Names the data set: {@link identify}. */
  token = "";
  readonly publishCommand: "PUBLISH" | "SPUBLISH";
  /** How often something was asked for that appends must not overtake, or be overtaken by. */
  asked = 0;
  readonly #context: ShardContext;
  readonly #commands: Link;
  readonly #subscriber: Link;
  readonly #channels = new Set<string>();
  #waiting: Waiting[] = [];
  #stopPing: Undo | null = null;
  #stopProbe: Undo | null = null;
  #wasSubscribed = false;
  /** Why there is no connection. */
  #reason = new Error("it was not connected yet");

  constructor(context: ShardContext) {
    this.#context = context;
    this.publishCommand = context.clustered ? "SPUBLISH" : "PUBLISH";
    const { timeoutMs } = context;
    const create = (): Redis => context.create();
    this.#commands = new Link({
      create,
      timeoutMs,
      prepare: (redis) => this.#prepare(redis),
      up: () => context.receiveOutage(this, null),
      down: (error) => this.#receiveDown(error),
    });
    this.#subscriber = new Link({
      create,
      timeoutMs,
      prepare: (redis) => this.#resubscribe(redis),
      up: () => this.#receiveSubscribed(),
      down: () => this.#stopPing?.(),
    });
  }

  get clustered(): boolean {
    return this.#context.clustered;
  }

  /** Rejects when the server can't be used; later it is waited for. */
  async open(): Promise<void> {
    await Promise.all([this.#commands.open(), this.#subscriber.open()]);
  }

  openLater(): void {
    this.#commands.openLater();
    this.#subscriber.openLater();
  }

  stop(): void {
    this.#stopPing?.();
    this.#stopProbe?.();
    this.#commands.stop();
    this.#subscriber.stop();
    this.#rejectWaiting(new Error("the broker has stopped"));
  }

  /** Runs a script in one step. Rejects at once while the server is away. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    this.asked += 1;
    return this.runLate(script, () => ({ keys, args }));
  }

  /** The same for appends, with keys and arguments asked for when it is sent: until then more may be added. */
  runLate(script: Script, input: () => ScriptInput): Promise<unknown> {
    return this.#enqueue(() => {
      const { keys, args } = input();
      return ["evalsha", script.sha, String(keys.length), ...keys, ...args.map(String)];
    });
  }

  /** Runs a single command. */
  command(...args: readonly string[]): Promise<unknown> {
    this.asked += 1;
    return this.#enqueue(() => args);
  }

  /** Gives a message to whoever is subscribed; it may be lost. */
  publish(channel: string, message: string): void {
    this.#enqueue(() => [this.publishCommand, channel, message]).catch(ignore);
  }

  async subscribe(channel: string): Promise<void> {
    const redis = this.#subscriber.redis;
    if (!redis) throw this.#unreachable();
    this.#channels.add(channel);
    try {
      await within(this.#context.timeoutMs, this.#subscribe(redis, [channel]));
    } catch (error) {
      this.#channels.delete(channel);
      this.#judge(error as Error);
      throw error;
    }
  }

  /** Subscribes when it can, and says then that something was missed. */
  subscribeLater(channel: string): void {
    if (this.#channels.has(channel)) return;
    const added = (): void => this.#context.receiveHole([channel]);
    this.subscribe(channel).then(added, () => this.#channels.add(channel));
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    const redis = this.#subscriber.redis;
    if (!redis) return;
    await within(
      this.#context.timeoutMs,
      this.#context.clustered ? redis.sunsubscribe(channel) : redis.unsubscribe(channel),
    );
  }

  /** Looks whether the data set is still the same and can be written to. */
  async check(): Promise<void> {
    const redis = this.#commands.redis;
    if (!redis) throw this.#unreachable();
    try {
      await within(this.#context.timeoutMs, this.#identify(redis));
      if (this.#stopProbe) this.#context.receiveOutage(this, null);
      this.#stopProbe?.();
      this.#stopProbe = null;
    } catch (error) {
      if (this.#commands.redis === redis) this.#judge(error as Error);
      throw error;
    }
  }

  #enqueue(args: Waiting["args"]): Promise<unknown> {
    if (!this.#commands.redis) return Promise.reject(this.#unreachable());
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ args, resolve, reject }) === 1) systemClock.defer(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    const redis = this.#commands.redis;
    this.#waiting = [];
    if (!redis || waiting.length === 0) return;
    const pipeline = redis.pipeline();
    for (const { args } of waiting) {
      const [name = "", ...rest] = args();
      pipeline.call(name, ...rest);
    }
    const stopTimer = systemClock.setTimer(this.#context.timeoutMs, () => {
      if (this.#commands.redis === redis)
        this.#commands.fail(new Error(`no answer from Redis in ${this.#context.timeoutMs} ms`));
    });
    const settle = (replies: readonly (readonly [Error | null, unknown])[]): void => {
      stopTimer();
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const [error, reply] = replies[index] ?? [this.#unreachable(), null];
        if (!error) resolve(reply);
        else reject(this.#commands.redis === redis ? this.#judge(error) : this.#unreachable());
      }
    };
    pipeline.exec().then(
      (replies) => settle(replies ?? []),
      () => settle([]),
    );
  }

  /** Does what an error asks for; gives it back. */
  #judge(error: Error): Error {
    const [code = ""] = error.message.split(" ", 1);
    if (code === "MOVED" || code === "ASK" || code === "CLUSTERDOWN") this.#context.receiveMoved();
    // A new connection loads the scripts anew, and finds out whether another server is behind the address.
    else if (code === "NOSCRIPT" || code === "READONLY" || code === "LOADING") this.#commands.fail(error);
    else if (code === "OOM" || code === "MISCONF" || code === "NOREPLICAS") this.#receiveRefusal(error);
    return error;
  }

  /** The server is there and takes no writes: tried until it does. */
  #receiveRefusal(error: Error): void {
    if (this.#stopProbe) return;
    const probe = (): void => {
      this.#stopProbe = systemClock.setTimer(
        probeMs,
        () => void this.check().catch(() => this.#stopProbe && probe()),
      );
    };
    probe();
    this.#context.receiveOutage(this, error);
  }

  #unreachable(): Error {
    return new Error(`Redis can't be reached: ${this.#reason.message}`, { cause: this.#reason });
  }

  #receiveDown(error: Error): void {
    this.#reason = error;
    this.#stopProbe?.();
    this.#stopProbe = null;
    this.#rejectWaiting(this.#unreachable());
    this.#context.receiveOutage(this, this.#unreachable());
  }

  #rejectWaiting(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  async #prepare(redis: Redis): Promise<void> {
    await Promise.all(Object.values(scripts).map(({ lua }) => redis.script("LOAD", lua)));
    await this.#identify(redis);
  }

  async #identify(redis: Redis): Promise<void> {
    const info = await readInfo(redis);
    checkRole(info);
    const before = this.token;
    this.token = await identify(redis, info, this.#context.marker());
    if (before !== this.token) this.#context.receiveToken(before !== "");
  }

  async #resubscribe(redis: Redis): Promise<void> {
    const { clustered } = this.#context;
    redis.on(clustered ? "smessage" : "message", (channel: string, message: string) =>
      this.#context.receive(channel, message),
    );
    const channels = [...this.#channels];
    for (let start = 0; start < channels.length; start += resubscribeMax)
      await this.#subscribe(redis, channels.slice(start, start + resubscribeMax));
  }

  async #subscribe(redis: Redis, channels: readonly string[]): Promise<void> {
    await (this.#context.clustered ? redis.ssubscribe(...channels) : redis.subscribe(...channels));
  }

  #receiveSubscribed(): void {
    this.#pingLater();
    if (this.#wasSubscribed) this.#context.receiveHole([...this.#channels]);
    this.#wasSubscribed = true;
  }

  /** A line that is dead but not closed shows in nothing else: whoever only listens never gets an error. */
  #pingLater(): void {
    this.#stopPing = systemClock.setTimer(this.#context.timeoutMs, () => {
      const redis = this.#subscriber.redis;
      if (!redis) return;
      within(this.#context.timeoutMs, redis.ping()).then(
        () => this.#subscriber.redis === redis && this.#pingLater(),
        (error: unknown) => this.#subscriber.redis === redis && this.#subscriber.fail(error as Error),
      );
    });
  }
}

function ignore(): void {}
