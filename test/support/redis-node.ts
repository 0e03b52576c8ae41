import { redis, type RedisBrokerOptions } from "bowline/redis";
import type { AppendResult, Broker, BrokerSink, ClusterSettings, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";

export const bound: LogBound = { count: 1000, ageMs: 60_000, bytes: Infinity };

/** A broker on Redis with everything it has said. */
export interface RedisNode {
  readonly broker: Broker;
  readonly heard: Heard;
  readonly holes: string[];
  /** Appends `{"text":…}`. */
  append(room: string, text: string, ref?: number): Promise<AppendResult>;
  /** What was appended so to a room, and heard of. */
  texts(room: string): string[];
}

/** What an entry may be, for a test: a compact JSON object. */
export function entry(text: string): string {
  return JSON.stringify({ text });
}

let nodes = 0;

/** Starts a node, with bounds short enough for a test, and a session `ada` if `session` is set. */
export async function startNode(
  options: RedisBrokerOptions,
  { session = false, settings }: { session?: boolean; settings?: ClusterSettings } = {},
): Promise<RedisNode> {
  const broker = redis({ timeoutMs: 500, leaseMs: 600, ...options });
  const heard = new Heard();
  const holes: string[] = [];
  const sink: BrokerSink = {
    receiveEntry: (...all) => heard.sink.receiveEntry(...all),
    receiveSignal: (...all) => heard.sink.receiveSignal(...all),
    receivePresence: (...all) => heard.sink.receivePresence(...all),
    receiveOpened: (...all) => heard.sink.receiveOpened(...all),
    receiveTold: (...all) => heard.sink.receiveTold(...all),
    receiveOutage: (...all) => heard.sink.receiveOutage(...all),
    receiveFault: (...all) => heard.sink.receiveFault(...all),
    receiveSettings: (...all) => heard.sink.receiveSettings(...all),
    isConnected: (...all) => heard.sink.isConnected(...all),
    receiveHole: (room) => {
      holes.push(room);
      heard.sink.receiveHole(room);
    },
  };
  await broker.start(sink, `node${++nodes}`, settings);
  if (session) await broker.openSession({ session: "ada", user: "ada", generation: 1 });
  const append = async (room: string, text: string, ref?: number): Promise<AppendResult> =>
    broker.append({
      room,
      data: entry(text),
      bound,
      ...(ref !== undefined && { origin: { session: "ada", ref } }),
    });
  const texts = (room: string): string[] =>
    heard.data(room).map((data) => (JSON.parse(data) as { readonly text: string }).text);
  return { broker, heard, holes, texts, append };
}

/** Waits until something holds; what fails on the way counts as "not yet". */
export async function until(holds: () => unknown, deadlineMs = 8000): Promise<void> {
  for (let left = deadlineMs; left > 0; left -= 10) {
    if (await Promise.resolve(holds()).catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited ${deadlineMs} ms in vain: ${String(holds)}`);
}

/** Does what fails again until it is done. */
export async function insist<T>(task: () => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  await until(async () => (result = { value: await task() }));
  return (result as { readonly value: T }).value;
}
