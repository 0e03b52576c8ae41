import { FakeClock, FakeRandom } from "./fake-clock.ts";
import { createClient } from "../../src/client/client.ts";
import type { Client, ClientOptions } from "../../src/client/client-types.ts";
import type { Refusal, Transport, TransportListener, TransportSocket } from "../../src/client/socket.ts";
import type { Contract } from "../../src/contract/contract.ts";
import { jsonSubprotocol } from "../../src/protocol/frames.ts";
import type { Broker } from "../../src/server/broker.ts";
import type { Gate, Socket, SocketListener } from "../../src/server/engine.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { createServer, type Server } from "../../src/server/server.ts";
import { textFraming, type TextBatch } from "../../src/testing/framing.ts";

/** A frame as it was on the wire. */
export type WireFrame = { readonly type: string } & Readonly<Record<string, unknown>>;

/**
 * The real client and the real server, joined without a port: what one sends arrives at the other within the same
 * `clock.settle()`, in order, over a {@link Link} that can be cut, frozen and made slow.
 */
export class Pair<C extends Contract> {
  readonly clock: FakeClock;
  readonly random = new FakeRandom();
  readonly broker: Broker;
  readonly server: Server<C>;
  /** Every link that was made, oldest first. */
  readonly links: Link[] = [];
  /** What was reported to `onError`, on both ends. */
  readonly errors: unknown[] = [];
  /** While true, nobody gets through. */
  offline = false;
  readonly #contract: C;
  readonly #wakes = new Set<() => void>();

  constructor(contract: C, options: ServerOptions = {}, clock: FakeClock = new FakeClock()) {
    const { random } = this;
    this.clock = clock;
    this.#contract = contract;
    this.broker = options.broker ?? memory({ clock, random });
    const onError = (error: unknown): void => void this.errors.push(error);
    this.server = createServer(contract, {
      onError,
      logger: false,
      ...options,
      clock,
      random,
      broker: this.broker,
    });
  }

  /** Starts the server: call it after the handlers are registered. */
  async start(): Promise<this> {
    await this.server.gate.serve();
    return this;
  }

  client(options: Partial<ClientOptions> = {}): Client<C> {
    const { clock, random } = this;
    const onError = (error: unknown): void => void this.errors.push(error);
    return createClient(this.#contract, {
      url: "ws://test/bowline",
      clock,
      random,
      transport: this.transport,
      onError,
      log: false,
      ...options,
    });
  }

  /** A client whose connection is open. */
  async openClient(options: Partial<ClientOptions> = {}): Promise<Client<C>> {
    const client = this.client(options);
    await this.clock.settle();
    return client;
  }

  /** A bare socket to the server, for tests that speak the protocol themselves. */
  async socket(token: string | null = null): Promise<RawSocket> {
    const raw = new RawSocket();
    raw.socket = this.transport.open("ws://test/bowline", token, raw);
    await this.clock.settle();
    raw.link = this.lastLink;
    return raw;
  }

  get lastLink(): Link {
    return this.links.at(-1) as Link;
  }

  /** What a page's `online` event does. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  readonly transport: Transport = {
    open: (_url, token, listener) => {
      const link = new Link(this.clock, listener);
      this.links.push(link);
      void this.#connect(link, token);
      return link.clientEnd;
    },
    ask: async (_url, token) => {
      if (this.offline) return null;
      const answer = await this.server.gate.admit(toRequest(token), { holds: false });
      if (answer.ok) return null;
      const { status, code, message, retryAfterSeconds = 0 } = answer;
      return { status, code, message, retryAfterMs: retryAfterSeconds * 1000 } satisfies Refusal;
    },
    onWake: (task) => {
      this.#wakes.add(task);
      return () => this.#wakes.delete(task);
    },
  };

  async #connect(link: Link, token: string | null): Promise<void> {
    const { gate } = this.server;
    const admission = this.offline ? null : await gate.admit(toRequest(token), { holds: true });
    if (admission?.ok) link.open(gate);
    if (admission?.ok) link.listener = gate.open(link.serverEnd, admission);
    else link.refuse();
  }
}

/** One connection between a client and the server. */
export class Link {
  /** Every frame the client sent, in order. */
  readonly toServer: WireFrame[] = [];
  /** Every frame the server sent, in order. */
  readonly toClient: WireFrame[] = [];
  /** How the server closed it, once it has. */
  closedBy: { readonly code: number; readonly reason: string } | null = null;
  /** How many writes the server made. */
  writes = 0;
  paused = false;
  /** What the server is told waits in the socket. */
  bufferedBytes = 0;
  /** The server's end; null when the upgrade was refused. */
  listener: SocketListener | null = null;
  readonly clientEnd: TransportSocket;
  readonly serverEnd: Socket;
  readonly #clock: FakeClock;
  readonly #client: TransportListener;
  #payloadBytes = Infinity;
  #frozen = false;
  #held: (() => void)[] | null = null;
  #clientOver = false;
  #serverOver = false;

  constructor(clock: FakeClock, client: TransportListener) {
    this.#clock = clock;
    this.#client = client;
    this.clientEnd = {
      send: (text) => this.#sendUp(text),
      close: (code) => this.#endByClient(code),
    };
    this.serverEnd = {
      framing: textFraming,
      send: (batch) => this.#sendDown(batch as TextBatch),
      bufferedBytes: () => this.bufferedBytes,
      pause: () => (this.paused = true),
      resume: () => (this.paused = false),
      close: (code, reason) => this.#endByServer(code, reason),
      terminate: () => this.cut(),
    };
  }

  open({ payloadBytes }: Gate): void {
    this.#payloadBytes = payloadBytes;
    this.#clock.defer(() => {
      if (!this.#clientOver) this.#client.opened();
    });
  }

  refuse(): void {
    this.#endClient(1006, "");
  }

  /** The connection breaks, and both ends see it. */
  cut(): void {
    this.#frozen = true;
    this.#endServer(1006);
    this.#endClient(1006, "");
  }

  /** The connection breaks, and neither end sees it. */
  freeze(): void {
    this.#frozen = true;
  }

  /** What the server sends is kept back until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const deliver of held) this.#clock.defer(deliver);
  }

  /** What waited in the server's socket has left. */
  drain(): void {
    this.bufferedBytes = 0;
    this.listener?.drained();
  }

  #sendUp(text: string): void {
    this.toServer.push(JSON.parse(text) as WireFrame);
    this.#clock.defer(() => {
      if (this.#frozen || this.#serverOver) return;
      const bytes = Buffer.byteLength(text);
      if (bytes > this.#payloadBytes) return this.#endByServer(1009, "");
      this.listener?.receiveBytes(bytes, 1, 0);
      this.listener?.receive(text);
    });
  }

  #sendDown({ messages }: TextBatch): void {
    if (this.closedBy) return;
    this.writes += 1;
    for (const text of messages) {
      this.toClient.push(JSON.parse(text) as WireFrame);
      this.#later(() => {
        if (!this.#frozen && !this.#clientOver) this.#client.received(text);
      });
    }
  }

  #endByClient(code: number): void {
    this.#clientOver = true;
    if (!this.#frozen) this.#clock.defer(() => this.#endServer(code));
  }

  #endByServer(code: number, reason: string): void {
    this.closedBy ??= { code, reason };
    this.#later(() => this.#endClient(code, reason));
    this.#clock.defer(() => this.#endServer(code));
  }

  #endServer(code: number): void {
    if (this.#serverOver) return;
    this.#serverOver = true;
    this.listener?.closed(code);
  }

  #endClient(code: number, reason: string): void {
    if (this.#clientOver || (this.#frozen && code !== 1006)) return;
    this.#clientOver = true;
    this.#clock.defer(() => this.#client.closed(code, reason));
  }

  #later(task: () => void): void {
    if (this.#held) this.#held.push(task);
    else this.#clock.defer(task);
  }
}

/** A client made of nothing but a socket. */
export class RawSocket implements TransportListener {
  socket: TransportSocket | null = null;
  link: Link | null = null;
  readonly frames: WireFrame[] = [];
  isOpen = false;
  closeCode: number | null = null;
  closeReason = "";

  opened(): void {
    this.isOpen = true;
  }

  received(text: string): void {
    this.frames.push(JSON.parse(text) as WireFrame);
  }

  closed(code: number, reason: string): void {
    this.closeCode = code;
    this.closeReason = reason;
  }

  send(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }

  hello(options: object = {}): void {
    this.send({
      type: "hello",
      secret: "session-0001-and-secret",
      generation: 1,
      rooms: [],
      ...options,
    });
  }

  /** The frames of one type, in the order in which they came. */
  of(type: string): WireFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }
}

function toRequest(token: string | null): Parameters<Gate["admit"]>[0] {
  return {
    url: "/bowline",
    address: "127.0.0.1",
    headers: {
      "sec-websocket-protocol": jsonSubprotocol,
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
  };
}
