import type { BowlineError } from "../protocol/errors.ts";
import type { Member } from "../protocol/frames.ts";
import type { Gap, Message, RoomStatus, SignalMessage } from "./room-news.ts";

/** What is told of a room: its events and signals as `message`. */
export interface News {
  readonly message: Message | SignalMessage;
  readonly gap: Gap;
  readonly error: BowlineError;
  readonly status: RoomStatus;
  readonly members: ReadonlyMap<string, Member>;
}

/** Who has joined the room: one for each `join` that was not left. */
export interface Reader {
  tell<Kind extends keyof News>(kind: Kind, news: News[Kind]): void;
  /** By kind of news, who listens to it. */
  readonly emitters: Readonly<Record<string, { readonly isHeard: boolean }>>;
}
