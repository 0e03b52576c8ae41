import { misuse, noteJoined, noteRefusal, reasonOf } from "#client/help";
import type { Clock } from "../base/clock.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type {
  ErrorSubject,
  EventFrame,
  GapFrame,
  JoinedFrame,
  JoinRequest,
  LeftFrame,
  Position,
  PresenceFrame,
  SignalFrame,
} from "../protocol/frames.ts";
import type { Publish } from "./calls.ts";
import type { JoinOptions } from "./join-options.ts";
import type { News, Reader } from "./reader.ts";
import type { Message, RoomStatus } from "./room-news.ts";
import { withPayload } from "../protocol/payload.ts";
import { Presence } from "./presence.ts";

/** What a room needs of the client. */
export interface RoomContext {
  readonly identity: { readonly stored: { readonly id: string | null } };
  readonly connection: {
    /** The log has a hole that no frame explained: begin again on a new socket. */
    giveUp(reason: string): void;
  };
  readonly roomStates: {
    /** It is left, and the server needs not to be told. */
    delete(room: string): void;
  };
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  /** Throws a `TypeError` for what the contract has no event for. */
  publish(room: string, event: string, payload: unknown): Publish;
  definition(room: string): RoomDefinition;
  isOpen(): boolean;
  /**
   * Sends a frame; throws `PAYLOAD_TOO_LARGE` on one that is larger than the server takes, and says what it is `about`.
   * One about nothing is nobody's: a leave is sent whoever the user is by now.
   */
  send(text: string, about?: { readonly room: string; readonly event?: string | undefined }): void;
  /** Whether the console is told of what nobody listens to. */
  readonly log: boolean;
}

/** A frame about one room, refusals aside. */
type RoomFrame = JoinedFrame | LeftFrame | EventFrame | SignalFrame | PresenceFrame | GapFrame;

/**
 * How the room stands on this socket. A join is sent only when the leave before it was answered. `owed`: a hello on its
 * way joins it, and it was left meanwhile.
 */
type Wire = "out" | "joining" | "in" | "owed" | "leaving";

/** Publications that are kept for those who join later, at most. */
const keptMax = 1000;

/** A room that this client is in, or about to be out of, for all who joined it. */
export class RoomState {
  readonly client: RoomContext;
  readonly name: string;
  readonly presence: Presence = new Presence(this);
  readonly readers: Set<Reader> = new Set();
  status: RoomStatus = { state: "left" };
  position: Position | null = null;
  /** Offset of the newest publication when the room was joined. */
  head = 0;
  /** How much of the past the join asks for. */
  #history = 0;
  #wire: Wire = "out";
  /** Whether reading began where `history` has it, and not at a position that was asked for. */
  #isFresh = true;
  /** The last publications, as many as were asked for with the join: for those who join later. */
  #kept: Message[] = [];

  constructor(client: RoomContext, name: string) {
    this.client = client;
    this.name = name;
  }

  /**
   * Lets one more in, and gives what of the past that it asks for was handed on already. Where others are in the room
   * and that can't be had any more, throws a `TypeError`; where none are, the room is joined anew.
   */
  enter(options: JoinOptions): readonly Message[] {
    const { history = 0, position = null, presence } = options;
    const isIn = this.status.state !== "left";
    const past = isIn && this.#past(history, position);
    if (!past && this.readers.size > 0) throw misuse("joined", this.name);
    if (past) {
      this.begin();
      if (presence !== undefined) this.presence.set(presence);
      return past;
    }
    // Who leaves a room and joins it again in one turn never was away.
    this.presence.begin(isIn && presence === undefined ? this.presence.state : presence);
    this.leave();
    this.status = { state: "joining" };
    this.position = position;
    this.head = 0;
    this.#history = history;
    this.#isFresh = !position;
    this.#kept = [];
    return [];
  }

  #past(history: number, from: Position | null): readonly Message[] | null {
    const { offset = 0, epoch } = this.position ?? {};
    // Not asked for yet.
    if (!this.position && this.#wire === "out") this.#history = Math.max(history, this.#history);
    const count = from ? offset - from.offset : history;
    const countMax = this.#isFresh && !from ? this.#history : this.#kept.length;
    if ((from && from.epoch !== epoch) || count < 0 || count > countMax) return null;
    // To whoever comes now, all of it is of the past.
    this.head = Math.max(this.head, offset);
    return count > 0 ? this.#kept.slice(-count).map((message) => ({ ...message, replayed: true })) : [];
  }

  /** What a hello or join says about this room. */
  joinRequest(): JoinRequest {
    const { name: room, position } = this;
    const history = this.#history || undefined;
    this.presence.announce();
    // What is undefined is not in the frame.
    return {
      room,
      position: position ?? undefined,
      history,
      presence: this.presence.state,
    } as JoinRequest;
  }

  /** What was refused is about to be asked again. */
  begin(): void {
    if (this.status.state === "refused") this.#setStatus({ state: "joining" });
  }

  /** Asks to be let in, unless that is under way. */
  join(): void {
    if (this.#wire !== "out" || this.status.state === "left" || !this.client.isOpen()) return;
    this.#wire = "joining";
    try {
      const request = this.joinRequest();
      this.client.send(encodeFrame({ type: "join", ...request }), request);
    } catch (error) {
      if (!this.presence.refused()) return this.receiveError("join", error as BowlineError);
      // A state that was set meanwhile was too much: without it, the room may be joined.
      this.#wire = "out";
      this.join();
      this.receiveError("presence", error as BowlineError);
    }
  }

  /** A hello that names the room is on its way. */
  greeted(): void {
    this.#wire = "joining";
  }

  leave(): void {
    if (this.status.state === "left") return;
    this.presence.clear();
    this.#setStatus({ state: "left" });
    this.readers.clear();
    if (this.#wire === "out") return this.client.roomStates.delete(this.name);
    if (this.#wire === "leaving") return;
    this.#wire = "owed";
    if (this.client.isOpen()) this.opened();
  }

  /** The connection is open: what could not be sent before is due. */
  opened(): void {
    if (this.#wire !== "owed") return this.join();
    this.#wire = "leaving";
    this.client.send(encodeFrame({ type: "leave", room: this.name }));
  }

  /** Sends a presence state or a signal; false where the room is not joined. */
  sendPayload(type: "presence" | "signal", json: string, event?: string): boolean {
    if (this.#wire !== "in") return false;
    const about = { room: this.name, event };
    this.client.send(withPayload({ type, ...about }, json), about);
    return true;
  }

  /** The socket is gone; with `end`, for good: the client was closed or has stopped. */
  lost(end?: BowlineError): void {
    this.#wire = "out";
    if (this.status.state === "left") this.client.roomStates.delete(this.name);
    else if (end) this.#refuse(end);
    else if (this.status.state === "joined") this.#setStatus({ state: "joining" });
  }

  receive(frame: RoomFrame): void {
    if (frame.type === "joined") return this.#receiveJoined(frame);
    if (frame.type === "left") {
      this.lost();
      // Somebody may have come meanwhile.
      return this.join();
    }
    // What is still on its way after a leave is not for anybody.
    if (this.#wire !== "in") return;
    if (frame.type === "event") this.#receiveEvent(frame);
    else if (frame.type === "signal") this.#receiveSignal(frame);
    else if (frame.type === "presence") this.presence.receive(frame);
    else if (frame.type === "gap") this.#receiveGap(frame);
  }

  /** Something about the room was refused: a frame of the type `of`. */
  receiveError(of: ErrorSubject["of"], error: BowlineError): void {
    // First: who waits for the join is no listener any more when told of its end.
    noteRefusal(this, of, error);
    if (of === "join" && this.#wire === "joining") {
      this.#wire = "out";
      this.#refuse(error);
    }
    if (of === "presence") this.presence.refused();
    this.tell("error", error);
  }

  #refuse(error: BowlineError): void {
    this.presence.clear();
    this.#setStatus({ state: "refused", error });
  }

  #receiveJoined(frame: JoinedFrame): void {
    if (this.#wire !== "joining") return;
    const { position, head, members, count } = frame;
    // A position of this client's own stays until events or a gap move it: a line that breaks before the gap is told
    // must not make it look as if nothing were missing.
    this.position ??= position;
    this.head = head;
    this.#wire = "in";
    if (members || count !== undefined) this.presence.receive(frame);
    noteJoined(this);
    this.#setStatus({ state: "joined" });
    try {
      this.presence.joined();
    } catch (error) {
      this.receiveError("presence", error as BowlineError);
    }
  }

  #receiveEvent({ type: _type, room, offset, ...publication }: EventFrame): void {
    if (!this.position || offset <= this.position.offset) return;
    if (offset > this.position.offset + 1)
      return this.client.connection.giveUp(`${reasonOf("HOLE")} ${room}`);
    const position = { offset, epoch: this.position.epoch };
    this.position = position;
    const message = { ...publication, position, replayed: offset <= this.head };
    if (this.#kept.push(message) > Math.min(this.#history, keptMax)) this.#kept.shift();
    this.tell("message", message);
  }

  #receiveSignal({ type: _type, room: _room, ...signal }: SignalFrame): void {
    // A member's own typing, cursor or level is no news to it.
    if (signal.session !== this.client.identity.stored.id) this.tell("message", signal);
  }

  #receiveGap({ position, head, reason }: GapFrame): void {
    this.position = position;
    this.head = head;
    this.#isFresh = true;
    this.#kept = [];
    this.tell("gap", { position, reason });
  }

  #setStatus(status: RoomStatus): void {
    this.status = status;
    this.tell("status", status);
  }

  tell<Kind extends keyof News>(kind: Kind, news: News[Kind]): void {
    for (const reader of this.readers) reader.tell(kind, news);
  }
}
