import type { Redis, RedisOptions } from "ioredis";
import { systemClock, type Undo } from "../../base/clock.ts";
import { within as withDeadline } from "../../base/deadline.ts";

/** What {@link Link} needs. */
export interface LinkContext {
  create(): Redis;
  /** Everything that has to be true of a connection before anything else uses it. */
  prepare(redis: Redis): Promise<void>;
  /** The connection is ready to be used. */
  up(redis: Redis): void;
  /** It is gone; or one more attempt to have it again has failed. */
  down(error: Error): void;
  readonly timeoutMs: number;
}

/**
 * How ioredis is to behave: it tells at once what is wrong, and keeps nothing for later. What was not carried out is
 * the node's to do again; a client that does so too delivers late and twice.
 */
export const clientOptions: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: null,
  disableClientInfo: true,
  // It waits for the end of a stream that may have ended already, and keeps the process meanwhile.
  disconnectTimeout: 0,
  protocol: 2,
};

/**
 * One connection that is made again whenever it ends, each time with a client of its own: of a connection that is
 * over, nothing is left that could still act.
 */
export class Link {
  readonly #context: LinkContext;
  #redis: Redis | null = null;
  #attempt = 0;
  #stopped = false;
  #stopTimer: Undo | null = null;

  constructor(context: LinkContext) {
    this.#context = context;
  }

  /** The connection if there is one. */
  get redis(): Redis | null {
    return this.#redis;
  }

  /** Makes the first connection; rejects if that fails, and does not try again. */
  async open(): Promise<void> {
    const redis = await this.#connect();
    if (this.#stopped) return destroy(redis);
    this.#use(redis);
  }

  /** Makes the first connection, and tries until it can. */
  openLater(): void {
    this.#retry();
  }

  /** Gives up the connection of the moment: it does not answer, or can't be trusted. */
  fail(error: Error): void {
    const redis = this.#redis;
    if (!redis) return;
    this.#redis = null;
    destroy(redis);
    this.#context.down(error);
    this.#retryLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
    if (this.#redis) destroy(this.#redis);
    this.#redis = null;
  }

  #use(redis: Redis): void {
    this.#attempt = 0;
    this.#redis = redis;
    redis.once("end", () => {
      if (this.#redis === redis) this.fail(new Error("the connection was lost"));
    });
    this.#context.up(redis);
    // Ended before anybody listened for it.
    if (redis.status !== "ready" && this.#redis === redis) this.fail(new Error("the connection was lost"));
  }

  async #connect(): Promise<Redis> {
    const redis = this.#context.create();
    try {
      await connect(redis, this.#context.timeoutMs, () => this.#context.prepare(redis));
      return redis;
    } catch (error) {
      destroy(redis);
      throw error;
    }
  }

  #retryLater(): void {
    if (this.#stopped) return;
    this.#attempt += 1;
    this.#stopTimer = systemClock.setTimer(Math.min(50 * this.#attempt, 500), () => this.#retry());
  }

  #retry(): void {
    this.open().catch((error: unknown) => {
      if (this.#stopped) return;
      this.#context.down(error as Error);
      this.#retryLater();
    });
  }
}

/** Rejects when Redis takes longer than that. */
export function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  return withDeadline(
    systemClock,
    timeoutMs,
    work,
    () => new Error(`no answer from Redis in ${timeoutMs} ms`),
  );
}

/** Connects, and does what comes first. Rejects with what the client says is wrong, if only in an event. */
export async function connect<T>(redis: Redis, timeoutMs: number, first: () => Promise<T>): Promise<T> {
  const heard: { error?: Error } = {};
  redis.on("error", (error) => (heard.error ??= error));
  try {
    await within(timeoutMs, redis.connect());
    const result = await within(timeoutMs, first());
    // The client would go on with database 0 if the one that was asked for can't be had.
    if (!heard.error) return result;
  } catch (error) {
    // Later ones say no more than that it is closed.
    heard.error ??= error as Error;
  }
  throw plain(heard.error);
}

/** What may be shown of an error: the client's own ones carry the command, with passwords and all that was in it. */
export function plain(error: Error): Error {
  const { message, code = "" } = error as NodeJS.ErrnoException;
  return new Error(message.replace(/, with args beginning with: .*/s, "") || code);
}

/** Whether an error says that another server may have what was asked for. */
export function isMoved(error: Error): boolean {
  return /^(MOVED|ASK|CLUSTERDOWN) |access a non local key/.test(error.message);
}

/** Ends it at once: a goodbye to a server that is frozen would never be over. */
export function destroy(redis: Redis): void {
  redis.disconnect();
  redis.stream?.destroy();
}
