import type { Issue } from "./errors.ts";

/** The WebSocket subprotocol: version and encoding in one name. */
export const jsonSubprotocol = "bowline.v1.json";

/** Prefix of the subprotocol entry that carries a browser's token, base-64url without padding. */
export const tokenSubprotocolPrefix = "bowline.token.";

/** Scheme of the `Authorization` header that carries a token in the same spelling: `Bowline <base64url>`. */
export const tokenScheme = "Bowline";

/** Longest room name, in bytes of UTF-8. */
export const roomNameBytesMax = 256;

/** Longest name of a log's epoch or of ledgers, in bytes of UTF-8. */
export const ledgerNameBytesMax = 64;

/** Where Bowline listens unless told otherwise. */
export const defaultPath = "/bowline";

/** A place in a room's log: entries up to and including `offset` are behind it. A new `epoch` is a new log. */
export interface Position {
  readonly offset: number;
  readonly epoch: string;
}

/** One session's presence in one room. */
export interface Member {
  /** The session's public id: two tabs of one user are two members. */
  readonly session: string;
  readonly user: string;
  readonly state: unknown;
}

/** A room to enter: where to read on from, or how much of the past a fresh reader wants. */
export interface JoinRequest {
  readonly room: string;
  /** The last position this reader handled. Absent: a fresh reader. */
  readonly position?: Position;
  /** For a fresh reader, how many of the last publications to send first. Default 0. */
  readonly history?: number;
  /** The member's presence state, where the room has presence. Absent: reads, and is no member. */
  readonly presence?: unknown;
}

/** Frames a client sends. */
export type ClientFrame =
  | HelloFrame
  | ({ readonly type: "join" } & JoinRequest)
  | { readonly type: "leave"; readonly room: string }
  | PublishFrame
  | { readonly type: "signal"; readonly room: string; readonly event: string; readonly payload: unknown }
  | { readonly type: "presence"; readonly room: string; readonly payload: unknown }
  | RequestFrame
  | { readonly type: "ping" }
  | { readonly type: "pong" };

/** Opens or resumes a session; the first frame on every socket. */
export interface HelloFrame {
  readonly type: "hello";
  /** Drawn by the client, and shown to nobody but the server. The session's public id is derived from it. */
  readonly secret: string;
  /** Counts the session's connection attempts: the highest wins, a late older one is turned away. */
  readonly generation: number;
  readonly rooms: readonly JoinRequest[];
  /** Hash of the outline of the client's contract. With it, the welcome says what the server's is. */
  readonly contract?: string;
  /** Never sent: the decoder puts here the rooms that were asked for wrongly, with what was wrong. */
  readonly refused?: readonly { readonly room: string; readonly message: string }[];
}

export interface PublishFrame {
  readonly type: "publish";
  readonly ref: number;
  readonly room: string;
  readonly event: string;
  readonly payload: unknown;
  /** Set when it may have been sent before: the server then looks for it before it runs a handler again. */
  readonly retry?: boolean;
}

export interface RequestFrame {
  readonly type: "request";
  readonly ref: number;
  readonly request: string;
  readonly payload: unknown;
}

/** Frames a server sends. */
export type ServerFrame =
  | WelcomeFrame
  | JoinedFrame
  | LeftFrame
  | AckFrame
  | EventFrame
  | SignalFrame
  | PresenceFrame
  | { readonly type: "reply"; readonly ref: number; readonly payload: unknown }
  | ErrorFrame
  | GapFrame
  | { readonly type: "ping" }
  | { readonly type: "pong" }
  | { readonly type: "goaway"; readonly delayMs: number }
  /** The node has lost its broker, or has it again. Meanwhile calls wait and signals are dropped. */
  | { readonly type: "degraded"; readonly active: boolean };

/** Answers a hello. */
export interface WelcomeFrame {
  readonly type: "welcome";
  /** The id of the session that the secret opened, as others see it. */
  readonly session: string;
  /** Who the server takes this client for. */
  readonly user: string;
  /**
   * Names the ledgers that this session's publishes and requests are deduplicated by. If it is another one than the last
   * welcome named, they were lost: what was sent before and never answered is uncertain.
   */
  readonly ledger: string;
  /** The highest ref of this session that was carried out; 0 if none. */
  readonly ref: number;
  readonly heartbeatMs: number;
  /** Most bytes one message may have. */
  readonly payloadBytes: number;
  /** Most publishes and requests that may be waiting for their answer at a time. */
  readonly window: number;
  /** The outline of the server's contract, by its hash; as a whole where the client's is another one. */
  readonly contract?: { readonly hash: string; readonly outline?: unknown };
  /** Set while the node has no broker: a `degraded` frame says when that is over. */
  readonly degraded?: true;
  /** Names the software of a server and its version, for people. This one does not say. */
  readonly server?: string;
}

/** Answers a join: events follow from `position` on, whether they were published before or after. */
export interface JoinedFrame {
  readonly type: "joined";
  readonly room: string;
  readonly position: Position;
  /** Offset of the newest publication there is: up to it, what follows is of the past. */
  readonly head: number;
  /** Everybody present, where the room has presence. */
  readonly members?: readonly Member[];
  /** How many are present, instead of `members`, where they are too many to list. */
  readonly count?: number;
}

/** Answers a publish: it is stored at `position`. */
export interface AckFrame {
  readonly type: "ack";
  readonly ref: number;
  readonly position: Position;
}

/** Answers a leave: nothing of the room follows. */
export interface LeftFrame {
  readonly type: "left";
  readonly room: string;
}

/** A publication. The same bytes for every reader of the room. */
export interface EventFrame {
  readonly type: "event";
  readonly room: string;
  readonly offset: number;
  /** Unique per publication; that of a client's is `<session>-<ref>`, which its sender knows once it was welcomed. */
  readonly id: string;
  readonly event: string;
  /** User id of the sender; null when the server itself published. */
  readonly from: string | null;
  /** When the server took it: milliseconds since 1970. */
  readonly at: number;
  readonly payload: unknown;
}

export interface SignalFrame {
  readonly type: "signal";
  readonly room: string;
  readonly event: string;
  readonly from: string | null;
  /** Session of the sender; empty when the server itself sent it. */
  readonly session: string;
  readonly payload: unknown;
}

/** Who came, changed and went since the last such frame; or everybody who is there now: `members`, or their `count`. */
export interface PresenceFrame {
  readonly type: "presence";
  readonly room: string;
  readonly members?: readonly Member[];
  /** Members that are new or whose state is new. */
  readonly set?: readonly Member[];
  /** Sessions that left. */
  readonly gone?: readonly string[];
  /** How many are present, where they are too many to list. */
  readonly count?: number;
}

/** What an error frame is about: a call by its ref, or a frame of some type that concerned a room. */
export type ErrorSubject =
  | { readonly ref: number; readonly room?: undefined; readonly of?: undefined }
  | {
      readonly ref?: undefined;
      readonly room: string;
      readonly of: "join" | "leave" | "signal" | "presence";
    };

/** A refusal. */
export type ErrorFrame = ErrorSubject & {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly issues?: readonly Issue[];
};

/** The log no longer holds all that this reader missed. What follows starts right after `position`. */
export interface GapFrame {
  readonly type: "gap";
  readonly room: string;
  readonly position: Position;
  /** As in `joined`. */
  readonly head: number;
  /** `trimmed`: the bound of the history was passed. `epoch`: the log was lost and begun anew. */
  readonly reason: "trimmed" | "epoch";
}

/** What a plain HTTP GET of the path answers: why an upgrade was or would be refused. */
export interface RefusalBody {
  readonly code: string;
  readonly message: string;
}
