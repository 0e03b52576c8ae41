/**
 * The seam between the server and the runtime that owns the sockets. Written to whoever implements an engine: Node with
 * ws, Bun, a simulated network.
 *
 * An engine MUST ask {@link Gate.admit} before it upgrades and MUST answer a refusal with its HTTP status and the JSON
 * body of spec/PROTOCOL.md; MUST select the subprotocol {@link Admitted.subprotocol}; MUST end a socket that sends a message over `payloadBytes` with close code 1009;
 * MUST call `closed` exactly once and nothing after it; MUST answer pings, except of one that does not read.
 *
 * No socket may cost more than the server has a limit for. An engine MUST report all bytes and all WebSocket frames to
 * {@link SocketListener.receiveBytes} before it hands over what is in them: pings, pongs, fragments and empty frames are
 * frames. It MUST NOT hand over more after a {@link Socket.pause} than what had been read before, which MUST be no more
 * than 256 KiB. It MUST bound what a message that has not ended holds: its bytes by `payloadBytes`, and the pieces that
 * it comes in by a number. It MUST share the turns of its event loop out: a socket that has sent more than a few frames
 * at once goes on in the next turn, behind the others. It MUST NOT go on reading a socket without end after it was closed,
 * and MUST refuse by itself, before it asks {@link Gate.admit}, what is no sound WebSocket handshake.
 */

/** A WebSocket message: text, or the bytes of a binary one. */
export type Message = string | Uint8Array;

/** Several messages, framed for the wire, that can be sent to any number of sockets of the same framing. */
export interface Batch {
  readonly byteLength: number;
}

/** What an engine gives for each open socket. No call throws, also not after the end. */
export interface Socket {
  /** How what is sent to it is framed. MUST be one object for all sockets that take the same bytes. */
  readonly framing: Framing;
  /** Sends a batch of its framing with one write. */
  send(batch: Batch): void;
  /** Bytes that were sent and have not left this process. */
  bufferedBytes(): number;
  /** Stops and goes on reading. What was read before a pause may still be handed over. */
  pause(): void;
  resume(): void;
  /** Closes with a close frame, and cuts the socket soon after if the other end does not answer it. */
  close(code: number, reason: string): void;
  /** Cuts the socket at once. */
  terminate(): void;
}

/** What the server gives for each open socket. */
export interface SocketListener {
  /**
   * So many bytes came, and so many WebSocket frames of any kind began in them. `message` is the number, counted from 1,
   * of the socket's message that has begun and not ended; 0 when there is none.
   */
  receiveBytes(bytes: number, frames: number, message: number): void;
  /** A message came. Bytes are the engine's again when the call is over. */
  receive(message: Message): void;
  /** What was buffered has left; called at least when the buffer, having been over 64 KiB, is empty. */
  drained(): void;
  /** The socket is over. `code`: that of the client's close frame, 1005 where it had none, 1006 where there was no frame. */
  closed(code: number): void;
}

/** Frames messages for an engine's sockets. */
export interface Framing {
  /** Frames one or several messages, strings as text and bytes as binary ones, into what is one write. */
  pack(messages: readonly Message[]): Batch;
  /** Joins batches into what is one write. */
  join(batches: readonly Batch[]): Batch;
}

/** An upgrade, or a GET that asks why it was refused, as the runtime saw it. */
export interface UpgradeRequest {
  /** Path and query, e.g. `/bowline?lang=en`. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The address of the other end of the socket, e.g. `127.0.0.1`. */
  readonly address: string;
  /** Whether it came by TLS that ended in this process. Absent: not known. */
  readonly secure?: boolean;
}

/** Somebody the gate let in. */
export interface Admitted {
  readonly ok: true;
  /** Null when the server has no `authenticate`: the connection then acts for its own session. */
  readonly user: { readonly id: string } | null;
  /** The user's id as it is now, whatever becomes of that object; empty where it is null. */
  readonly userId: string;
  /** When the token runs out: milliseconds since 1970. */
  readonly expiresAt: number | null;
  /** Of the subprotocols that it offers, the one to select. */
  readonly subprotocol: string;
}

/** Why somebody was not let in. */
export interface Refused {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** What the server gives an engine. */
export interface Gate {
  readonly path: string;
  readonly payloadBytes: number;
  /** The name of its broker, e.g. `memory`. */
  readonly broker: string;
  /** How long an upgrade and the hello after it may take together. */
  readonly handshakeMs: number;
  /** Gets the server ready. MUST be awaited before anybody is admitted; rejects when something is missing or out of reach. */
  serve(): Promise<void>;
  /** Decides about an upgrade, within `handshakeMs`. Never rejects. With `holds`, a place is taken: follow with `open` or `giveUp`. */
  admit(request: UpgradeRequest, options: { readonly holds: boolean }): Promise<Admitted | Refused>;
  /** Tells of an upgrade that the engine refused by itself: it MUST, as nobody else would know. Never throws. */
  refused(refused: Refused, request: UpgradeRequest): void;
  /** Gives back the place of an admitted upgrade that came to nothing. */
  giveUp(): void;
  /** Runs `task` when the server has stopped: the engine then stops listening. */
  onStop(task: () => void | Promise<void>): void;
  /** Takes over an open socket. */
  open(socket: Socket, admitted: Admitted): SocketListener;
  /** Reports a fault of the engine's, or of an HTTP handler it was given. Never throws. */
  report(error: unknown, stage: "http"): void;
}

/** How to shut down. */
export interface DrainOptions {
  /**
   * Clients are told to come back somewhere in this time, each at its own moment, so that they do not come all at once.
   * Default 5,000 ms.
   */
  readonly spreadMs?: number;
  /** What is still connected or running after this is cut off. Default 15,000 ms. */
  readonly deadlineMs?: number;
}

/** A server, as far as an engine is concerned. */
export interface Servable {
  readonly gate: Gate;
  drain(options?: DrainOptions): Promise<void>;
}
