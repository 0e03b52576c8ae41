import { connect, type Socket } from "node:net";
import { lengthFrame, maskedFrame } from "./frame.ts";
import { seen, upgradeRequest, type Wire } from "./wire.ts";

/** The room of everything that has one. */
export const onlyRoom = "bench";

/** Where a client goes. */
export interface Place {
  readonly port: number;
  readonly room: string;
}

/** What all connections of a load have in common. */
export interface Side {
  readonly wire: Wire;
  placeOf(index: number): Place;
  /** Called for each payload, with the place at which it begins. */
  onPayload(connection: Connection, bytes: Buffer, at: number): void;
  onFailure(what: string): void;
}

/**
 * All sockets read into one buffer: what has been read is handled before the next read. The generator must not become
 * what is measured, so it parses no more of a message than it takes to find the payload in it.
 */
const inbox = Buffer.allocUnsafeSlow(256 * 1024);

let serial = 0;

/** A client that speaks the least it can of a contender's protocol. */
export class Connection {
  readonly index: number;
  readonly room: string;
  readonly joined: Promise<void>;
  readonly #side: Side;
  readonly #socket: Socket;
  readonly #serial = ++serial;
  #upgraded: boolean;
  #closing = false;
  #rest: Buffer | null = null;
  /** What is sent while a chunk is handled leaves in one write. */
  #outgoing: Buffer[] | null = null;
  #onJoined: () => void = () => {};

  constructor(side: Side, index: number) {
    this.#side = side;
    const { port, room } = side.placeOf(index);
    this.index = index;
    this.room = room;
    this.#upgraded = side.wire.framing === "length";
    this.joined = new Promise((resolve) => (this.#onJoined = resolve));
    const onread = { buffer: inbox, callback: (bytesRead: number) => this.#receive(bytesRead) };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread });
    this.#socket.on("connect", () => {
      if (!this.#upgraded) this.#socket.write(upgradeRequest(side.wire));
    });
    this.#socket.on("error", (error) => this.#fail(error.message));
    this.#socket.on("close", () => this.#fail("the server closed the connection"));
  }

  /** Sends an ASCII message. */
  send(text: string): void {
    const frame = this.#side.wire.framing === "length" ? lengthFrame(text) : maskedFrame(text);
    if (this.#outgoing) this.#outgoing.push(frame);
    else this.#socket.write(frame);
  }

  /** Ends with a reset, which leaves no port waiting. */
  cut(): void {
    this.#closing = true;
    this.#socket.resetAndDestroy();
  }

  #fail(what: string): void {
    if (!this.#closing) this.#side.onFailure(`connection ${this.index}: ${what}`);
    this.#onJoined();
  }

  #receive(bytesRead: number): boolean {
    let bytes: Buffer = inbox;
    let end = bytesRead;
    if (this.#rest) {
      bytes = Buffer.concat([this.#rest, inbox.subarray(0, bytesRead)]);
      end = bytes.length;
      this.#rest = null;
    }
    this.#outgoing = [];
    const at = this.#upgraded ? this.#readMessages(bytes, 0, end) : this.#readUpgrade(bytes, end);
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end));
    const outgoing: Buffer[] = this.#outgoing;
    this.#outgoing = null;
    if (outgoing.length === 1) this.#socket.write(outgoing[0] as Buffer);
    else if (outgoing.length > 1) this.#socket.write(Buffer.concat(outgoing));
    return true;
  }

  #readUpgrade(bytes: Buffer, end: number): number {
    const text = bytes.toString("latin1", 0, end);
    const headerEnd = text.indexOf("\r\n\r\n");
    if (headerEnd < 0) return 0;
    if (!text.startsWith("HTTP/1.1 101")) {
      this.#fail(`no upgrade: ${text.slice(0, text.indexOf("\r\n"))}`);
      return end;
    }
    this.#upgraded = true;
    const { greetsFirst, greeting } = this.#side.wire;
    if (greetsFirst && greeting) this.send(greeting(this.#serial, this.room));
    else if (!greeting) this.#onJoined();
    return this.#readMessages(bytes, headerEnd + 4, end);
  }

  /** Handles every whole message from `start` on; gives back where the first one that is not whole begins. */
  #readMessages(bytes: Buffer, start: number, end: number): number {
    const isWebSocket = this.#side.wire.framing === "websocket";
    let at = start;
    while (end - at >= 2) {
      let header = 2;
      let length = isWebSocket ? (bytes[at + 1] as number) : bytes.readUInt16BE(at);
      if (isWebSocket && length === 126) {
        header = 4;
        if (end - at < header) break;
        length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      }
      if (end - at < header + length) break;
      if (isWebSocket && bytes[at] !== 0x81) this.#fail(`a frame that starts with byte ${bytes[at]}`);
      else this.#readMessage(bytes, at + header, at + header + length);
      at += header + length;
    }
    return at;
  }

  #readMessage(bytes: Buffer, start: number, end: number): void {
    const { wire } = this.#side;
    const found = wire.look(bytes, start, end);
    if (found >= 0) return this.#side.onPayload(this, bytes, found);
    if (found === seen.joined) this.#onJoined();
    else if (found === seen.opened && wire.greeting) this.send(wire.greeting(this.#serial, this.room));
    else if (found === seen.ping && wire.pong !== undefined) this.send(wire.pong);
    else if (found === seen.unexpected)
      this.#fail(`an unexpected message: ${bytes.toString("latin1", start, Math.min(end, start + 200))}`);
  }
}

/** Opens connections, `atOnce` of them at a time, and resolves when all have joined. */
export async function openConnections(side: Side, count: number, atOnce: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  const openNext = async (): Promise<void> => {
    while (connections.length < count) {
      const connection = new Connection(side, connections.length);
      connections.push(connection);
      await connection.joined;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, openNext));
  return connections;
}
