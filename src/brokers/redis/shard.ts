import type { Redis } from "ioredis";
import { systemClock, type Undo } from "../../base/clock.ts";
import type { Position } from "../../protocol/frames.ts";
import { CommandQueue } from "./command-queue.ts";
import { findForeignKey, foreignKey, isWrongType } from "./foreign-keys.ts";
import { scripts } from "./generated-scripts.ts";
import { Incarnation, nodeField } from "./incarnation.ts";
import { otherLayout } from "./layout-error.ts";
import { isMoved, Link, plain, within } from "./link.ts";
import { checkRights } from "./rights.ts";
import { isOtherData, type Script } from "./script.ts";
import { checkRole, readInfo, riskOf, type ServerInfo } from "./server-info.ts";
import type { Address, ScriptInput, ShardContext } from "./shard-context.ts";
import { Subscriber } from "./subscriber.ts";

/** What a server says that is there and takes no writes now. */
const refusals = new Set(["OOM", "MISCONF", "NOREPLICAS", "BUSY", otherLayout]);
const probeMs = 250;

/** One Redis server with what it is used through: a connection for commands, and one for what is published. */
export class Shard {
  readonly publishCommand: "PUBLISH" | "SPUBLISH";
  /** What the end of its machine may cost, as it was when it was connected last. */
  risk: string | null = null;
  /** How often something was asked for that appends must not overtake, or be overtaken by. */
  asked = 0;
  readonly #context: ShardContext;
  readonly #incarnation: Incarnation;
  readonly #commands: Link;
  readonly #subscriber: Subscriber;
  readonly #queue: CommandQueue;
  #marker = "";
  /** The look at the data set that is under way. */
  #checking: Promise<void> | null = null;
  #stopProbe: Undo | null = null;
  /** Why nothing can be asked of it now, and why not everything is heard of it. */
  #outage: Error | null = null;
  #deaf: Error | null = null;
  /** Why there is no connection. */
  #reason = new Error("it was not connected yet");

  constructor(context: ShardContext) {
    this.#context = context;
    this.#incarnation = new Incarnation(() => ({ node: context.node(), settings: context.nodeSettings() }));
    this.publishCommand = context.clustered ? "SPUBLISH" : "PUBLISH";
    this.#commands = new Link({
      create: () => context.create(),
      timeoutMs: context.timeoutMs,
      prepare: (redis) => this.#prepare(redis),
      up: () => this.#setOutage(null),
      down: (error) => this.#receiveDown(error),
    });
    this.#queue = new CommandQueue({
      timeoutMs: context.timeoutMs,
      redis: () => this.#commands.redis,
      fail: (_, error) => this.#commands.fail(error),
      judge: (redis, error) => (this.#commands.redis === redis ? this.#judge(error) : this.#unreachable()),
      unreachable: () => this.#unreachable(),
    });
    this.#subscriber = new Subscriber({
      ...context,
      receive: (channel, message) => {
        this.#incarnation.receiveHeard(channel, message);
        context.receive(channel, message);
      },
      receiveDown: () => this.#incarnation.doubt(),
      receiveDeaf: (reason) => {
        this.#deaf = reason;
        this.#tellOutage();
      },
    });
  }

  /** Names the data set. */
  get token(): string {
    return this.#incarnation.token;
  }

  /** The key that bears the token: scripts that begin anything look at it. */
  get marker(): string {
    return this.#marker;
  }

  get address(): Address {
    return this.#context.address;
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
    this.#stopProbe?.();
    this.#commands.stop();
    this.#subscriber.stop();
    this.#queue.rejectAll(new Error("the broker has stopped"));
  }

  /** Runs a script in one step. Rejects at once while the server is away. */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    this.asked += 1;
    try {
      return await this.runLate(script, () => ({ keys, args }));
    } catch (error) {
      if (!isWrongType(error)) throw error;
      throw (await findForeignKey(keys, script.keyTypes, (key) => this.command("TYPE", key))) ?? error;
    }
  }

  /** The same for appends, with keys and arguments asked for when it is sent: until then more may be added. */
  runLate(script: Script, input: () => ScriptInput): Promise<unknown> {
    return this.#queue.add(() => {
      const { keys, args } = input();
      return ["evalsha", script.sha1, String(keys.length), ...keys, ...args.map(String)];
    });
  }

  /** Runs a single command. */
  async command(...args: readonly string[]): Promise<unknown> {
    this.asked += 1;
    try {
      return await this.#queue.add(() => args);
    } catch (error) {
      throw isWrongType(error)
        ? foreignKey(args[1] ?? "", "key of another type", `key for ${args[0]}`)
        : error;
    }
  }

  /** Gives a message to whoever is subscribed; it may be lost. */
  publish(channel: string, message: string): void {
    this.#queue.add(() => [this.publishCommand, channel, message]).catch(ignore);
  }

  subscribe(channel: string): Promise<void> {
    return this.#subscriber.subscribe(channel);
  }

  /** Subscribes as soon as it can, and says then that something was missed. */
  subscribeLater(channel: string): void {
    this.#subscriber.subscribeLater(channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#subscriber.unsubscribe(channel);
  }

  /** Takes note of an entry that was appended: as long as the data set is whole, it is there. */
  receiveStored(channel: string, { epoch, offset }: Position, data: string): void {
    this.#incarnation.receiveStored({ channel, epoch, offset, data });
  }

  /**
   * Does what is meant for the data set of the moment: if that turns out to be another one by now, finds out which it is,
   * and does it once more, for that one.
   */
  async inItsData<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (!isOtherData(error)) throw error;
      await this.check();
      return task();
    }
  }

  /** Looks whether the data set is still the same and can be written to. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = null));
    return this.#checking;
  }

  /** The last that this node writes: nothing of it is missing in a data set that has this. */
  async leave(node: string): Promise<void> {
    this.#incarnation.leave();
    await this.forgetNode(node);
  }

  /** That node is gone, and what it wrote is in the data set. */
  async forgetNode(node: string): Promise<void> {
    await this.command("HDEL", this.#marker, nodeField(node));
  }

  async #check(): Promise<void> {
    const redis = this.#commands.redis;
    if (!redis) throw this.#unreachable();
    try {
      await within(this.#context.timeoutMs, this.#look(redis));
      if (!this.#stopProbe) return;
      this.#stopProbe();
      this.#stopProbe = null;
      this.#setOutage(null);
    } catch (error) {
      throw this.#commands.redis === redis ? this.#judge(error as Error) : plain(error as Error);
    }
  }

  /** Does what an error asks for; gives what may be shown of it. */
  #judge(failure: Error): Error {
    const error = plain(failure);
    const [code = ""] = error.message.split(" ", 1);
    if (isMoved(error)) this.#context.receiveMoved();
    // A new connection loads the scripts anew, and finds out whether another server is behind the address.
    else if (code === "NOSCRIPT" || code === "READONLY" || code === "LOADING") this.#commands.fail(error);
    else if (refusals.has(code)) this.#receiveRefusal(error);
    else if (isOtherData(error)) this.check().catch(ignore);
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
    this.#setOutage(error);
  }

  #unreachable(): Error {
    return new Error(`Redis can't be reached: ${this.#reason.message}`, { cause: this.#reason });
  }

  #receiveDown(error: Error): void {
    this.#reason = error;
    this.#incarnation.doubt();
    this.#stopProbe?.();
    this.#stopProbe = null;
    this.#queue.rejectAll(this.#unreachable());
    this.#setOutage(this.#unreachable());
  }

  #setOutage(reason: Error | null): void {
    this.#outage = reason;
    this.#tellOutage();
  }

  #tellOutage(): void {
    this.#context.receiveOutage(this, this.#outage ?? this.#deaf);
  }

  async #prepare(redis: Redis): Promise<void> {
    const info = await readInfo(redis);
    this.#context.check(info);
    this.risk = riskOf(info);
    await Promise.all(Object.values(scripts).map(({ lua }) => redis.script("LOAD", lua)));
    await checkRights(redis, this.#context.marker(), this.publishCommand);
    await this.#identify(redis, info);
  }

  async #look(redis: Redis): Promise<void> {
    const info = await readInfo(redis);
    checkRole(info);
    await this.#identify(redis, info);
  }

  async #identify(redis: Redis, info: ServerInfo): Promise<void> {
    const before = this.token;
    // The same one from here on: its name may change with the slots.
    this.#marker = this.#context.marker();
    const isNew = await this.#incarnation.identify(redis, info, this.#marker);
    if (before !== this.token) this.#context.receiveToken(isNew);
  }
}

function ignore(): void {}
