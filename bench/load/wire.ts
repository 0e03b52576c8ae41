import { randomBytes } from "node:crypto";
import type { ContenderName } from "../contenders/contender.ts";
import { payloadBytes } from "./payload.ts";

/** What a message from a server was, if it was no payload. */
export const seen = { nothing: -1, opened: -2, joined: -3, ping: -4, unexpected: -5 } as const;

/** How to speak to a contender: the least that its protocol asks of a client. */
export interface Wire {
  /** How messages are framed: RFC 6455, or two bytes of length. */
  readonly framing: "websocket" | "length";
  /** The request line and headers that open a connection; empty for plain TCP. */
  readonly path: string;
  readonly subprotocol?: string;
  /** What is sent when the connection is open, or once the server has said so. */
  readonly greeting?: (serial: number, room: string) => string;
  readonly greetsFirst: boolean;
  readonly pong?: string;
  readonly publish: (ref: number, payload: string, room: string) => string;
  readonly request: (ref: number, payload: string, once: boolean) => string;
  /** Where the payload of a message begins, or one of `seen`. */
  look(bytes: Buffer, start: number, end: number): number;
}

const plain = {
  greetsFirst: false,
  path: "/",
  publish: (_ref: number, payload: string) => payload,
  request: (_ref: number, payload: string) => payload,
  look: (_bytes: Buffer, start: number, end: number) =>
    end - start === payloadBytes ? start : seen.unexpected,
};

const bowline: Wire = {
  framing: "websocket",
  path: "/bowline",
  subprotocol: "bowline.v1.json",
  greetsFirst: true,
  greeting: (serial, room) =>
    `{"type":"hello","secret":"${randomBytes(8).toString("hex")}${String(serial).padStart(16, "0")}","generation":1,` +
    `"rooms":[{"room":"${room}"}]}`,
  pong: `{"type":"pong"}`,
  publish: (ref, payload, room) =>
    `{"type":"publish","ref":${ref},"room":"${room}","event":"message","payload":"${payload}"}`,
  request: (ref, payload, once) =>
    `{"type":"request","ref":${ref},"request":"${once ? "echo-once" : "echo"}","payload":"${payload}"}`,
  look(bytes, start, end) {
    // The first letters of the type, after `{"type":"`. Both frames with a payload end with `"}` right after it.
    const first = bytes[start + 9];
    const second = bytes[start + 10];
    if (first === letter("e") && second === letter("v")) return end - 2 - payloadBytes;
    if (first === letter("r")) return end - 2 - payloadBytes;
    if (first === letter("a") || first === letter("w")) return seen.nothing;
    if (first === letter("j")) return seen.joined;
    return first === letter("p") && second === letter("i") ? seen.ping : seen.unexpected;
  },
};

/** Engine.IO 4: `0` open, `2` ping, `3` pong, `4` message; inside it `0` connect, `2` event, `3` acknowledgement. */
const socketIo: Wire = {
  framing: "websocket",
  path: "/socket.io/?EIO=4&transport=websocket",
  greetsFirst: false,
  greeting: () => "40",
  pong: "3",
  publish: (_ref, payload) => `42["message","${payload}"]`,
  request: (ref, payload) => `42${ref}["echo","${payload}"]`,
  look(bytes, start, end) {
    const first = bytes[start];
    const second = bytes[start + 1];
    if (first === letter("4") && (second === letter("2") || second === letter("3")))
      return end - 2 - payloadBytes;
    if (first === letter("4") && second === letter("0")) return seen.joined;
    if (first === letter("0")) return seen.opened;
    return first === letter("2") ? seen.ping : seen.unexpected;
  },
};

/** The greeting names the room, and the server remembers it. */
const socketIoCluster: Wire = { ...socketIo, greeting: (_serial, room) => `40{"room":"${room}"}` };

export const wires: Record<ContenderName, Wire> = {
  bowline,
  "bowline-alone": bowline,
  "bowline-before": bowline,
  "socket.io": socketIo,
  "socket.io-redis": socketIoCluster,
  "socket.io-streams": socketIoCluster,
  ws: { ...plain, framing: "websocket" },
  tcp: {
    ...plain,
    framing: "length",
    look: (bytes, start, end) => (start === end ? seen.joined : plain.look(bytes, start, end)),
  },
};

/** The upgrade request of RFC 6455, section 4.1. */
export function upgradeRequest({ path, subprotocol }: Wire): string {
  const protocol = subprotocol === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n${protocol}\r\n`
  );
}

function letter(character: string): number {
  return character.charCodeAt(0);
}
