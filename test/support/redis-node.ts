import { redis, type RedisBrokerOptions } from "bowline/redis";
import type { AppendResult, Broker, BrokerSink, LogBound } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";

export const bound: LogBound = { count: 1000, ageMs: 60_000, bytes: Infinity };

/** A broker on Redis with everything it has said. */
export interface RedisNode {
  readonly broker: Broker;
  readonly heard: Heard;
  readonly holes: string[];
  append(room: string, data: string, ref?: number): Promise<AppendResult>;
}

let nodes = 0;

/** Starts a node, with bounds short enough for a test, and a session `ada` if `session` is set. */
export async function startNode(
  options: RedisBrokerOptions,
  { session = false }: { session?: boolean } = {},
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
    receiveSettings: (...all) => heard.sink.receiveSettings(...all),
    isConnected: (...all) => heard.sink.isConnected(...all),
    receiveHole: (room) => {
      holes.push(room);
      heard.sink.receiveHole(room);
    },
  };
  await broker.start(sink, `node${++nodes}`);
  if (session) await broker.openSession({ session: "ada", user: "ada", generation: 1 });
  const append = async (room: string, data: string, ref?: number): Promise<AppendResult> =>
    broker.append({ room, data, bound, ...(ref !== undefined && { origin: { session: "ada", ref } }) });
  return { broker, heard, holes, append };
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
