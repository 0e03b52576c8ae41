/** Where the chat keeps its rooms: in memory, unless the environment says otherwise. */
import { memory, type Broker } from "bowline/server";

type Environment = Readonly<Record<string, string | undefined>>;

/** REDIS_URL and NATS_URL share one chat among several nodes; DATA names a file for one node; else it is forgotten. */
export async function brokerOf({ REDIS_URL, NATS_URL, DATA }: Environment): Promise<Broker> {
  // Loaded when asked for: each needs a client library of its own.
  if (REDIS_URL) return (await import("bowline/redis")).redis({ url: REDIS_URL });
  if (NATS_URL) return (await import("bowline/nats")).nats({ servers: NATS_URL });
  if (DATA) return (await import("bowline/sqlite")).sqlite({ file: DATA });
  return memory();
}
