import { memory, type Broker } from "bowline/server";

/** Where a server under test keeps its data. */
export interface BrokerConfig {
  readonly broker:
    | "memory"
    /** With a prefix, all servers of that prefix share their data, which outlives them; without one, each has its own. */
    | { readonly redis: string; readonly prefix?: string }
    | { readonly nats: string; readonly prefix?: string }
    /** A file, for one server at a time. */
    | { readonly sqlite: string };
  /** How long a node that says nothing counts as alive. */
  readonly leaseMs?: number | undefined;
  /** How long a session that is not renewed is kept at least. */
  readonly sessionTtlMs?: number | undefined;
}

/** Makes brokers as the config says. Each is without data, unless the config names where the data is. */
export async function brokerMaker({ broker, ...given }: BrokerConfig): Promise<() => Broker> {
  const { leaseMs, sessionTtlMs } = given;
  const ttl = sessionTtlMs === undefined ? {} : { sessionTtlMs };
  const times = { ...ttl, ...(leaseMs !== undefined && { leaseMs }) };
  if (broker === "memory") return () => memory(ttl);
  if ("sqlite" in broker) {
    const { sqlite } = await import("bowline/sqlite");
    return () => sqlite({ file: broker.sqlite, ...ttl });
  }
  const prefix = prefixOf(broker.prefix);
  if ("nats" in broker) {
    const { nats } = await import("bowline/nats");
    return () => nats({ servers: broker.nats, prefix: prefix(), ...times });
  }
  const { redis } = await import("bowline/redis");
  return () => redis({ url: broker.redis, prefix: prefix(), ...times });
}

function prefixOf(given: string | undefined): () => string {
  let made = 0;
  return () => given ?? `conformance-${process.pid}-${Date.now()}-${(made += 1)}`;
}
