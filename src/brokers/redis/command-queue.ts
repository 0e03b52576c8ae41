import type { Redis } from "ioredis";
import { systemClock } from "../../base/clock.ts";
import { whenOverdue } from "../../base/deadline.ts";

/** What a {@link CommandQueue} needs of the server it is for. */
export interface CommandQueueContext {
  readonly timeoutMs: number;
  /** The connection, if there is one. */
  redis(): Redis | null;
  /** That connection does not answer. */
  fail(redis: Redis, error: Error): void;
  /** What to tell the caller of an error that came over a connection. */
  judge(redis: Redis, error: Error): Error;
  unreachable(): Error;
}

/** A command that waits for the end of the turn. */
interface Waiting {
  /** Asked for at the last moment: until then more may be added to it. */
  readonly args: () => readonly string[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The commands of one turn of the event loop, sent in one write. None is sent twice. */
export class CommandQueue {
  readonly #context: CommandQueueContext;
  #waiting: Waiting[] = [];

  constructor(context: CommandQueueContext) {
    this.#context = context;
  }

  /** Rejects at once while there is no connection. */
  add(args: Waiting["args"]): Promise<unknown> {
    if (!this.#context.redis()) return Promise.reject(this.#context.unreachable());
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ args, resolve, reject }) === 1) systemClock.defer(() => this.#flush());
    });
  }

  /** What was not sent yet is not going to be. */
  rejectAll(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  #flush(): void {
    const { timeoutMs, ...context } = this.#context;
    const waiting = this.#waiting;
    const redis = context.redis();
    this.#waiting = [];
    if (!redis || waiting.length === 0) return;
    const pipeline = redis.pipeline();
    for (const { args } of waiting) {
      const [name = "", ...rest] = args();
      pipeline.call(name, ...rest);
    }
    const stopTimer = whenOverdue(systemClock, timeoutMs, () => {
      if (context.redis() === redis)
        context.fail(redis, new Error(`no answer from Redis in ${timeoutMs} ms`));
    });
    const settle = (replies: readonly (readonly [Error | null, unknown])[]): void => {
      stopTimer();
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const [error, reply] = replies[index] ?? [context.unreachable(), null];
        if (error) reject(context.judge(redis, error));
        else resolve(reply);
      }
    };
    pipeline.exec().then(
      (replies) => settle(replies ?? []),
      () => settle([]),
    );
  }
}
