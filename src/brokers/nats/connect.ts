import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../../base/clock.ts";
import { within } from "../../base/deadline.ts";
import type { NatsClient } from "./client.ts";
import { listed, type NatsSettings } from "./options.ts";

/** For each of the servers, which are tried one after the other. */
const connectTimeoutMs = 3000;
const pingIntervalMs = 5000;
const reconnectMs = 250;

/** Connects, for good: what is lost later is connected again. Rejects, naming `servers`, when it can't the first time. */
export async function connect(
  client: NatsClient,
  settings: NatsSettings,
  node: string,
): Promise<NatsConnection> {
  const connecting = client.connect({
    ...settings.access,
    servers: settings.servers,
    name: `bowline ${node}`,
    timeout: connectTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    reconnectJitter: reconnectMs,
    pingInterval: pingIntervalMs,
    // What could sign in once may be refused for a while, as when a server begins without its users.
    ignoreAuthErrorAbort: true,
  });
  try {
    return await withTimeout(connectTimeoutMs * settings.servers.length + 1000, connecting);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => {});
    throw new Error(
      `nats: no connection to servers ${listed(settings.servers)} (${textOf(error)}). ` +
        "Is NATS running there, and are user, pass, token and tls right?",
      { cause: error },
    );
  }
}

/** What an error says, for another one's message. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Rejects when a task takes longer. */
export function withTimeout<T>(ms: number, task: Promise<T>): Promise<T> {
  return within(systemClock, ms, task, () => new Error(`no answer in ${ms} ms`));
}
