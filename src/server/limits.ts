import { checkOptions, shownValue } from "../base/options.ts";

/** The largest frame that every client takes. */
export const frameBytesMax: number = 2 ** 24;
/** What may stand in a frame beside a payload or a list: names, ids, numbers. */
export const frameHeadBytes = 4096;

/** Every bound of a server. Each has a default, a code from the table and a test at the bound. */
export interface Limits {
  /** Most connections at a time; one more is refused with HTTP 503 `TOO_MANY_CONNECTIONS`. Default 100,000. */
  readonly connections: number;
  /** Most bytes of one message from a client; a larger one ends its connection with 1009. Default 65,536. */
  readonly payloadBytes: number;
  /**
   * Most bytes of one frame to a client, of which 4,096 are for what stands beside its payload. A publication, signal or
   * reply with a larger payload is refused where it is made, with a `TypeError`, and no list of members is longer. At
   * most 16,777,216, which every client takes. Default 1,048,576, and 4,096 more than `payloadBytes` where that is more.
   */
  readonly frameBytes: number;
  /**
   * How long a message from a client may take from its first byte to its last, in milliseconds, the time in which it is
   * not read left out; then close 4507. Default 30,000.
   */
  readonly messageMs: number;
  /** How long from the upgrade to the hello, in milliseconds; then close 4508. Default 10,000. */
  readonly handshakeMs: number;
  /** Most rooms a connection may be in; one more is refused with `TOO_MANY_ROOMS`. Default 100. */
  readonly rooms: number;
  /**
   * Most publishes and requests that a client may have without an answer. It is told, and waits with the rest; a
   * connection with twice as many being worked on is refused more with `TOO_MANY_PENDING`. Of other frames, as many may
   * be worked on, and as many more as there may be rooms. Default 256.
   */
  readonly pending: number;
  /**
   * WebSocket frames a second a connection may send for long, of whatever kind: pings, pongs and the fragments of a
   * message count each. Beyond it, and the burst, the server reads it no faster than this,
   * and after `throttledMs` without a pause it closes with 4529. Default 200.
   */
  readonly framesPerSecond: number;
  /**
   * Frames a connection may send at once before it is slowed down. Default 500: half of what a room's log keeps by
   * default, so that a burst of one client can't push out everything that others said.
   */
  readonly framesBurst: number;
  /**
   * Bytes a second a connection may send for long, as they are on the wire; the same as with `framesPerSecond` happens
   * beyond it. Default 524,288.
   */
  readonly bytesPerSecond: number;
  /** Bytes a connection may send at once before it is slowed down. Default 2,097,152. */
  readonly bytesBurst: number;
  /** How long a connection may be slowed down without a pause, in milliseconds. Default 60,000. */
  readonly throttledMs: number;
  /**
   * How long a `join` hook, or the handler of an event or signal, may take, in milliseconds: what is behind it in the
   * room waits for it. Then the call is refused with `INTERNAL`, and the error reported. So may a schema that checks
   * asynchronously. Default 30,000.
   */
  readonly handlerMs: number;
  /**
   * How long the handler of a request may take, with its schemas, in milliseconds. Then it counts as unanswered: the
   * caller is told `UNCERTAIN`, the error reported, and what the handler gives later is dropped. Default 30,000.
   */
  readonly requestMs: number;
  /**
   * How long a call to the broker may take, in milliseconds; then it counts as failed, as in an outage, and is made again
   * where somebody waits for it. Default 30,000.
   */
  readonly brokerMs: number;
  /** Bytes waiting in a socket above which it gets no room traffic until it has drained. Default 65,536. */
  readonly slowBytes: number;
  /**
   * Replies, in UTF-16 units, that may wait in a connection over `slowBytes` for longer than 2 s; then it is closed with
   * 4513, and at once at four times as many. Default 1,048,576.
   */
  readonly outboxBytes: number;
  /** Most publications a join may ask to see again; asking for more gives this many. Default 1,000. */
  readonly historyCount: number;
  /** Members of a room above which it tells how many there are, and no longer who. Default 1,000. */
  readonly presenceMembers: number;
  /** Bytes of a list of members, as JSON, above which a room tells how many there are, and no longer who. Default 131,072. */
  readonly presenceBytes: number;
  /** Most bytes of one member's presence state, as JSON; a larger one is refused with `PAYLOAD_TOO_LARGE`. Default 4,096. */
  readonly presenceStateBytes: number;
  /**
   * Most members that one user may be in a room, on one node; one more takes the place of the oldest, of one whose
   * connection is gone if there is one. Default 10. Without `authenticate` each session is a user of its own.
   */
  readonly membersPerUser: number;
}

export const defaultLimits: Limits = {
  connections: 100_000,
  payloadBytes: 65_536,
  frameBytes: 1_048_576,
  messageMs: 30_000,
  handshakeMs: 10_000,
  rooms: 100,
  pending: 256,
  framesPerSecond: 200,
  framesBurst: 500,
  bytesPerSecond: 524_288,
  bytesBurst: 2_097_152,
  throttledMs: 60_000,
  handlerMs: 30_000,
  requestMs: 30_000,
  brokerMs: 30_000,
  slowBytes: 65_536,
  outboxBytes: 1_048_576,
  historyCount: 1000,
  presenceMembers: 1000,
  presenceBytes: 131_072,
  presenceStateBytes: 4096,
  membersPerUser: 10,
};

/**
 * Fills in the defaults; throws a `TypeError` that names a limit which is no number above 0, or no limit, or which does not
 * go with another one.
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  checkOptions("createServer, limits", given, defaultLimits);
  for (const [name, value] of Object.entries(given)) {
    // Clients are told how large a message may be, and JSON has no word for endless.
    if (!(typeof value === "number" && value > 0) || (name === "payloadBytes" && value === Infinity)) {
      throw new TypeError(`limits.${name} must be a number above 0, not ${shownValue(value)}`);
    }
  }
  const limits = { ...defaultLimits, ...given };
  // What a client may publish has to reach the others.
  const frameBytesMin = limits.payloadBytes + frameHeadBytes;
  const frameBytes = given.frameBytes ?? Math.max(limits.frameBytes, frameBytesMin);
  if (frameBytes > frameBytesMax || frameBytes < frameBytesMin)
    throw new TypeError(
      `limits.frameBytes must be ${frameBytesMin} (limits.payloadBytes and ${frameHeadBytes} more) to ${frameBytesMax}, not ${frameBytes}`,
    );
  return {
    ...limits,
    frameBytes,
    presenceBytes: Math.min(limits.presenceBytes, frameBytes - frameHeadBytes),
  };
}
