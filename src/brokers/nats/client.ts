import type * as JetStream from "@nats-io/jetstream";
import type * as Transport from "@nats-io/transport-node";

/** The NATS client, as far as the broker uses it. */
export type NatsClient = Pick<typeof Transport, "connect" | "headers" | "createInbox"> &
  Pick<typeof JetStream, "jetstream" | "jetstreamManager" | "JetStreamApiError">;

/** Optional peers: loaded when a broker is started, so that nobody else has to have them. */
export async function loadClient(): Promise<NatsClient> {
  try {
    const [transport, jetstream] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@nats-io/jetstream"),
    ]);
    return { ...jetstream, ...transport };
  } catch (error) {
    throw new Error(
      "nats: the NATS client is not installed: npm install @nats-io/transport-node @nats-io/jetstream",
      { cause: error },
    );
  }
}
