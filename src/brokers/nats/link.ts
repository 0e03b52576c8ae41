import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Msg, MsgCallback, NatsConnection, Subscription } from "@nats-io/transport-node";
import { systemClock, type Undo } from "../../base/clock.ts";
import { BowlineError } from "../../protocol/errors.ts";
import { loadClient, type NatsClient } from "./client.ts";
import { connect, textOf, withTimeout } from "./connect.ts";
import { listed, type NatsSettings } from "./options.ts";

/** What a {@link Link} needs of the broker. */
export interface LinkEvents {
  /** Makes sure of everything the broker keeps on the server; rejects if it can't. */
  restore(): Promise<void>;
  /** The connection, or JetStream behind it, is gone; or, with null, is there again. */
  receiveOutage(reason: Error | null): void;
}

/** How long a call may take before JetStream counts as gone. */
export const callTimeoutMs = 2000;
const flushTimeoutMs = 500;
const probeMs = 250;
const streamNotFound = 10_059;
/** What the account or the server may store is used up, or its disk is full. */
export const noRoom: ReadonlySet<unknown> = new Set([10_002, 10_023, 10_047, 10_077]);

/**
 * The connection to NATS. It reconnects by itself for ever; in between, and while JetStream does not answer, calls are
 * refused at once, for the client would keep them until they are of no use.
 */
export class Link {
  readonly client: NatsClient;
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly #servers: string;
  /** Subscriptions that were refused: how to try again, and what the server said. */
  readonly #deaf = new Map<() => void, string>();
  #events: LinkEvents | null = null;
  #reason: Error | null = null;
  #connected = true;
  #probing = false;
  #closed = false;
  #stopTimer: Undo | null = null;

  /** Rejects within seconds, naming `servers`, when there is no NATS with JetStream. */
  static async open(settings: NatsSettings, node: string): Promise<Link> {
    const client = await loadClient();
    const connection = await connect(client, settings, node);
    const servers = listed(settings.servers);
    try {
      const manager = await client.jetstreamManager(connection, { timeout: callTimeoutMs });
      return new Link(client, connection, manager, servers);
    } catch (error) {
      await connection.close();
      throw new Error(
        `nats: servers ${servers} give no JetStream (${textOf(error)}). Start nats-server with -js, and allow this account to use it`,
        { cause: error },
      );
    }
  }

  private constructor(
    client: NatsClient,
    connection: NatsConnection,
    manager: JetStreamManager,
    servers: string,
  ) {
    this.client = client;
    this.connection = connection;
    this.manager = manager;
    this.jetstream = client.jetstream(connection, { timeout: callTimeoutMs });
    this.#servers = servers;
  }

  /** Most bytes of a message, headers and all. */
  get payloadBytesMax(): number {
    return this.connection.info?.max_payload ?? 1_048_576;
  }

  get isUp(): boolean {
    return this.#reason === null;
  }

  /** Begins to watch the connection. */
  watch(events: LinkEvents): void {
    this.#events = events;
    void this.#watch();
  }

  /** Carries out what asks the server, unless it is known to be gone. */
  async call<T>(task: () => Promise<T>): Promise<T> {
    if (this.#reason) throw this.#reason;
    try {
      return await task();
    } catch (error) {
      if (isLoss(error)) this.lose(`JetStream fails: ${textOf(error)}`);
      throw error;
    }
  }

  /** Refuses what no connection would take, however often it is tried. */
  checkSize(bytes: number): void {
    const bytesMax = this.payloadBytesMax;
    if (bytes > bytesMax)
      throw new BowlineError(
        "PAYLOAD_TOO_LARGE",
        `NATS takes at most ${bytesMax} bytes, and this has ${bytes}`,
      );
  }

  /** Sends to whoever listens; dropped while there is no connection. */
  publish(subject: string, data: string): void {
    this.checkSize(Buffer.byteLength(data));
    if (this.#connected && !this.#closed) this.connection.publish(subject, data);
  }

  subscribe(subject: string, receive: (message: Msg) => void): Undo {
    let subscription: Subscription;
    const listen = (): void => {
      this.#deaf.delete(listen);
      const callback: MsgCallback<Msg> = (error, message) => {
        if (!error) return receive(message);
        this.#deaf.set(listen, `it may not listen to ${subject}: ${textOf(error)}`);
        this.lose(this.#deaf.get(listen) as string);
      };
      subscription = this.connection.subscribe(subject, { callback });
    };
    listen();
    return () => {
      this.#deaf.delete(listen);
      subscription.unsubscribe();
    };
  }

  /** Makes sure that everything subscribed to is listened to; rejects if that is refused. */
  async hear(): Promise<void> {
    for (const listen of this.#deaf.keys()) listen();
    // The server says no before it answers this.
    await withTimeout(callTimeoutMs, this.connection.flush());
    const [problem] = this.#deaf.values();
    if (problem !== undefined) throw new Error(problem);
  }

  /** Something showed that what the server keeps is not to be had. */
  lose(text: string): void {
    if (this.#reason || this.#closed) return;
    this.#reason = new Error(`nats: servers ${this.#servers}: ${text}`);
    this.#events?.receiveOutage(this.#reason);
    this.#probe();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reason ??= new Error("nats: this broker was stopped");
    this.#stopTimer?.();
    // What was sent last may still be on its way out.
    if (this.#connected) await withTimeout(flushTimeoutMs, this.connection.flush()).catch(() => {});
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") {
        this.#connected = false;
        this.lose("the connection is lost");
      } else if (status.type === "reconnect") {
        this.#connected = true;
        this.lose("the connection was interrupted");
        this.#probe();
      }
    }
  }

  /** Looks again and again, for whatever is gone, until all of it is back. */
  #probe(): void {
    this.#stopTimer?.();
    if (this.#closed || this.#probing || !this.#events || !this.#reason) return;
    if (!this.#connected) return;
    this.#probing = true;
    void this.#look(this.#events);
  }

  async #look(events: LinkEvents): Promise<void> {
    const isRestored = await this.hear()
      .then(() => events.restore())
      .then(
        () => true,
        () => false,
      );
    this.#probing = false;
    if (isRestored && this.#connected) this.#back();
    else this.#stopTimer = systemClock.setTimer(probeMs, () => this.#probe());
  }

  #back(): void {
    if (this.#closed) return;
    this.#reason = null;
    this.#events?.receiveOutage(null);
  }
}

/** By name: the client does not export all of their classes. */
const lossNames = new Set([
  "JetStreamNotEnabled",
  "TimeoutError",
  "RequestError",
  "NoRespondersError",
  "ConnectionError",
  "ClosedConnectionError",
  "DrainingConnectionError",
]);

/** Whether an error says that the server is gone, or can store nothing, rather than that it refuses. */
function isLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (lossNames.has(error.name)) return true;
  const { code, status } = error as { code?: unknown; status?: unknown };
  if (code === streamNotFound || noRoom.has(code)) return true;
  return status === 503 || (error.name === "JetStreamStatusError" && code === 503);
}
