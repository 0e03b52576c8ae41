import type { BrokerName } from "../contenders/contender.ts";

/** A broker's service in a process of its own. */
export interface BrokerService {
  readonly port: number;
  /** Of the process that is running now. */
  readonly pid: number;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again on its port, with or without what it had stored. */
  start(options: { readonly keepData: boolean }): Promise<void>;
  /** Stops it from running for a while: SIGSTOP, SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Ends it and deletes what it stored. */
  stop(): Promise<void>;
}

/** Starts the service of a broker; null where it has none. */
export async function startService(broker: BrokerName): Promise<BrokerService | null> {
  switch (broker) {
    case "redis":
      return (await import("./redis.ts")).startRedis();
    case "nats":
      return (await import("./nats.ts")).startNats();
    case "memory":
    case "sqlite":
      return null;
  }
}
