import type { ConsumerConfig } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { systemClock, type Undo } from "../../base/clock.ts";
import { callTimeoutMs, type Link } from "./link.ts";
import { storedOf, type Stored } from "./stored.ts";

/** What to look for. */
export interface Scan {
  /** One subject, or a pattern. */
  readonly subject: string;
  /** The first sequence that is wanted. Default 1. */
  readonly from?: number;
  /** Leaves the bodies out. */
  readonly metaOnly?: boolean;
}

const nanosPerSecond = 1_000_000_000;
/** Without a message for this long, the rest may have been removed in the meantime: the server is asked. */
const stallMs = 200;

/**
 * Reads what a stream holds under a pattern, through a consumer for this once. The last message says that none is left;
 * one that is removed while others are on their way does not come, and then the consumer itself is asked.
 */
export async function scan(
  link: Link,
  stream: string,
  { subject, from = 1, metaOnly = false }: Scan,
  more: Partial<ConsumerConfig>,
): Promise<Stored[]> {
  const { manager, client } = link;
  const found: Stored[] = [];
  const inbox = client.createInbox();
  const watch = new StallWatch();
  const unsubscribe = link.subscribe(inbox, (message) => {
    const { seq, pending } = deliveryOf(message);
    found.push(storedOf(message.subject, seq, message.headers, message.string()));
    watch.progress(pending === 0);
  });
  let name: string | undefined;
  try {
    const consumer = await manager.consumers.add(stream, {
      ...more,
      deliver_subject: inbox,
      deliver_policy: "by_start_sequence",
      opt_start_seq: from,
      ack_policy: "none",
      filter_subject: subject,
      headers_only: metaOnly,
      inactive_threshold: 5 * nanosPerSecond,
    });
    name = consumer.name;
    if (consumer.num_pending > 0 || consumer.delivered.stream_seq > 0)
      await watch.end(async () => (await manager.consumers.info(stream, consumer.name)).num_pending === 0);
    return found;
  } finally {
    unsubscribe();
    watch.stop();
    // It would go by itself after a while.
    if (name !== undefined) manager.consumers.delete(stream, name).catch(() => {});
  }
}

/** The place in the stream, and how many are left, stand in the subject for the acknowledgement. */
function deliveryOf({ reply = "" }: Msg): { seq: number; pending: number } {
  const tokens = reply.split(".");
  // Newer servers put a domain, a hash of the account, and a token after the end.
  const at = tokens.length > 9 ? 7 : 5;
  return { seq: Number(tokens[at]), pending: Number(tokens[at + 3]) };
}

/** Waits for the last of a row of messages. */
class StallWatch {
  #isDone = false;
  #lastMs: number = systemClock.elapsed();
  #resolve: () => void = () => {};
  #stopTimer: Undo = () => {};

  progress(isLast: boolean): void {
    this.#lastMs = systemClock.elapsed();
    if (!isLast) return;
    this.#isDone = true;
    this.#resolve();
  }

  /** Rejects when nothing comes although there is more. */
  async end(isAtEnd: () => Promise<boolean>): Promise<void> {
    while (!this.#isDone) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        this.#stopTimer = systemClock.setTimer(stallMs, resolve);
      });
      this.#stopTimer();
      const quietMs = systemClock.elapsed() - this.#lastMs;
      if (this.#isDone || quietMs < stallMs / 2) continue;
      if (await isAtEnd()) return;
      if (quietMs > callTimeoutMs) throw new Error("nats: the server stopped in the middle of a scan");
    }
  }

  stop(): void {
    this.#stopTimer();
  }
}
