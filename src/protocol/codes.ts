/**
 * The codes of spec/codes.json, which a test holds this to, and the tables in spec/PROTOCOL.md too. Behaviour hangs on the
 * codes; the texts are for people.
 */

/** What a client does after a close: come back by itself, stop for good, or stop until it has a new token. */
export type CloseAction = "reconnect" | "stop" | "token";

/** One row of the close-code table. */
export interface CloseCode {
  readonly code: number;
  readonly action: CloseAction;
  readonly text: string;
}

/**
 * Names of the close codes that end a client. Of Bowline's own range, 44xx means that coming back the same way would
 * end the same way, and 45xx that it would not. Apart, so that a page loads only these.
 */
const finalCloseNames = {
  1009: "TOO_BIG",
  4400: "BAD_FRAME",
  4401: "TOKEN_EXPIRED",
  4403: "KICKED",
  4409: "SUPERSEDED",
  4410: "SESSION_MISMATCH",
} as const;

type FinalCloseName = (typeof finalCloseNames)[keyof typeof finalCloseNames];

/**
 * Numbers that a client closes with. The server takes the members of one that is closed away at once, and keeps those
 * of one that returns for the grace time.
 */
export const clientCloseNumbers = { NORMAL: 1000, RETURNING: 4501 } as const;

/** Numbers of the others: of those that pass, and those that WebSocket libraries close with, which pages hardly see. */
const otherCloseNumbers = {
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  UNSUPPORTED_DATA: 1003,
  NOT_UTF8: 1007,
  TOO_MANY_FRAGMENTS: 1008,
  INTERNAL: 1011,
  RESTART: 1012,
  HEARTBEAT_LOST: 4500,
  MESSAGE_TIMEOUT: 4507,
  HANDSHAKE_TIMEOUT: 4508,
  SESSION_LOST: 4510,
  SLOW_CONSUMER: 4513,
  RATE_LIMITED: 4529,
} as const;

/** The name of a close code in {@link closeCodes}. */
export type CloseName = FinalCloseName | keyof typeof clientCloseNumbers | keyof typeof otherCloseNumbers;

const closeTexts: Record<CloseName, string> = {
  NORMAL: "the client is closed, and does not come back",
  GOING_AWAY: "the server is going away",
  PROTOCOL_ERROR: "what came broke the WebSocket protocol",
  UNSUPPORTED_DATA: "a message was of a kind that is not taken",
  NOT_UTF8: "a message was not UTF-8",
  TOO_MANY_FRAGMENTS: "a message came in too many fragments",
  TOO_BIG: "a frame was larger than the server takes",
  INTERNAL: "the server failed",
  RESTART: "the server restarts",
  BAD_FRAME: "a frame broke the protocol",
  TOKEN_EXPIRED: "the token ran out",
  KICKED: "the server ended this connection on purpose",
  SUPERSEDED: "another connection took this session over: is its store used twice?",
  SESSION_MISMATCH: "the session belongs to somebody else",
  HEARTBEAT_LOST: "nothing was heard for two heartbeats",
  RETURNING: "the client gave this socket up, and comes back",
  MESSAGE_TIMEOUT: "a message took too long from its first byte to its last",
  HANDSHAKE_TIMEOUT: "no hello came in time",
  SESSION_LOST: "the session is no longer known: open it again",
  SLOW_CONSUMER: "the client reads its replies too slowly",
  RATE_LIMITED: "the client kept sending faster than it may",
};

/**
 * What a client does about a close code that it received, known or not: ranges decide, so that an old client treats a new
 * code rightly. What would be sent again and end the same way stops: 44xx, and the four that WebSocket libraries close
 * with by themselves. Everything else reconnects. So do 1000 and 1008, which proxies close idle lines with.
 */
export function closeAction(code: number): CloseAction {
  if (code === 4401) return "token";
  return isFinal(code) ? "stop" : "reconnect";
}

/** Whether what was closed with this code would be closed again, as it is. */
export function isFinal(code: number): boolean {
  return /^(100[2379]|44\d\d)$/.test(`${code}`);
}

/** The name of a close code that ends a client, `CLOSE_` and the number where it has none. */
export function closeName(code: number): string {
  return (finalCloseNames as Partial<Record<number, string>>)[code] ?? `CLOSE_${code}`;
}

/** The close codes Bowline sends, with all there is to say about each. */
// Made by a call that bundlers may leave out: a page needs the numbers alone.
export const closeCodes: Readonly<Record<CloseName, CloseCode>> = /* @__PURE__ */ (() =>
  Object.fromEntries(
    [
      ...Object.entries(finalCloseNames).map(([code, name]) => [name, Number(code)] as const),
      ...Object.entries({ ...clientCloseNumbers, ...otherCloseNumbers }),
    ]
      .toSorted(([, a], [, b]) => a - b)
      .map(([name, code]) => [
        name,
        { code, action: closeAction(code), text: closeTexts[name as CloseName] },
      ]),
  ) as Record<CloseName, CloseCode>)();

/** One row of the error-code table. */
export interface ErrorCode {
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  readonly text: string;
}

/** What the codes mean that a client gives by itself; some of them a server gives too. */
export const clientErrorTexts = {
  PAYLOAD_TOO_LARGE: "the payload is larger than the server takes, or than outbox.length",
  OUTBOX_FULL: "more waits to be settled than outbox.count or outbox.length allows",
  STORE_FAILED: "the client's store could not keep it",
  SESSION_MISMATCH: 'queued for another user, or before it was known for whom: set the option "user"',
  TIMEOUT: "it was not sent in time, and will not be",
  UNCERTAIN: "it was sent, and may or may not have been carried out",
  CLOSED: "the client is closed",
} as const;

/** A code that a client gives by itself. */
export type ClientErrorName = keyof typeof clientErrorTexts;

/** Those of them that are retryable. Apart from the texts, which a page in production does not load. */
export const clientRetryable: readonly ClientErrorName[] = ["OUTBOX_FULL", "STORE_FAILED", "TIMEOUT"];

const serverErrorCodes = {
  INVALID: { retryable: false, text: "the payload does not fit its schema" },
  UNKNOWN_ROOM: { retryable: false, text: "no room pattern of the contract fits this name" },
  UNKNOWN_EVENT: { retryable: false, text: "the contract has no such event or signal in this room" },
  UNKNOWN_REQUEST: { retryable: false, text: "the contract has no such request, or nothing answers it" },
  FORBIDDEN: { retryable: false, text: "not allowed" },
  UNAUTHORIZED: {
    retryable: false,
    text: 'the token or cookie was not accepted: see the client\'s option "token" and the server\'s "authenticate"',
  },
  NOT_JOINED: { retryable: false, text: "join the room first" },
  TOO_MANY_ROOMS: { retryable: false, text: "this connection is in as many rooms as it may be" },
  TOO_MANY_PENDING: { retryable: true, text: "too many calls of this connection are still being worked on" },
  TOO_MANY_CONNECTIONS: {
    retryable: true,
    text: "the server holds as many connections as it may: see limits.connections",
  },
  DRAINING: { retryable: true, text: "the server is shutting down" },
  OUT_OF_ORDER: { retryable: false, text: "a later publish of this session is stored already" },
  UNAVAILABLE: { retryable: true, text: "the broker cannot be reached" },
  NOT_FOUND: { retryable: false, text: "nothing listens on this path" },
  UPGRADE_REQUIRED: {
    retryable: true,
    text: "connect here with WebSocket; where that fails, a proxy must pass the headers Upgrade and Connection, or another WebSocket server on this port takes the handshake",
  },
  INTERNAL: { retryable: false, text: "the server failed to handle this" },
} as const;
serverErrorCodes satisfies Record<string, ErrorCode>;

/** Codes of refused calls. They leave the connection up. Handlers may refuse with codes of their own besides. */
// Made by a call that bundlers may leave out: a spread they would have to keep.
export const errorCodes: typeof serverErrorCodes & Readonly<Record<ClientErrorName, ErrorCode>> =
  /* @__PURE__ */ (() => ({
    ...serverErrorCodes,
    ...(Object.fromEntries(
      Object.entries(clientErrorTexts).map(([code, text]) => [
        code,
        { retryable: clientRetryable.includes(code as ClientErrorName), text },
      ]),
    ) as Record<ClientErrorName, ErrorCode>),
  }))();

/** The name of an error code in {@link errorCodes}. */
export type ErrorName = keyof typeof errorCodes;
