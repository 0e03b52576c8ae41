import type { Undo } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
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
import { errorAt, type CallSite } from "./call-site.ts";
import type { JoinedRoom } from "./joined-room.ts";
import { localError } from "./outbox-entry.ts";
import { toJson, withPayload } from "./payload.ts";
import { Presence } from "./presence.ts";

/** What joining a room takes besides its name. */
export interface JoinOptions<PresenceState = unknown> {
  /** How many of the last publications to get first. Default 0: only what comes from now on. */
  readonly history?: number;
  /** Where to read on, if this was read before: the `position` of the last message handled. */
  readonly position?: Position;
  /** This member's presence state. Without one it reads the room, and sees who is there, but is no member. */
  readonly presence?: PresenceState;
}

/** A delivered event. */
export interface Message<Payload = unknown> {
  /** Unique; equal to the `id` that its `publish` call gave. */
  readonly id: string;
  readonly event: string;
  readonly payload: Payload;
  /** Id of the user who sent it; null for the server. */
  readonly from: string | null;
  /** When the server took it: milliseconds since 1970. */
  readonly at: number;
  /** Where it stands in the room's log. */
  readonly position: Position;
  /** Whether it was published before the join, or the reconnect, that brought it: of the past, not news. */
  readonly replayed: boolean;
}

/** A delivered signal. */
export interface SignalMessage<Payload = unknown> {
  readonly event: string;
  readonly payload: Payload;
  readonly from: string | null;
  /** Session that sent it; empty for the server. */
  readonly session: string;
}

/** Something was missed and can't be had any more. What follows starts right after `position`. */
export interface Gap {
  readonly position: Position;
  /** `trimmed`: more was missed than the history holds. `epoch`: the room's log was lost and begun anew. */
  readonly reason: "trimmed" | "epoch";
}

/** Where a room stands. `refused`, as all rooms of a client are that is closed or has stopped, is tried again on the next connection. */
export type RoomStatus =
  | { readonly state: "joining" }
  | { readonly state: "joined" }
  | { readonly state: "refused"; readonly error: BowlineError }
  | { readonly state: "left" };

/** What a room needs of the client. */
export interface RoomContext {
  readonly session: () => string;
  isOpen(): boolean;
  /** Tells the server; where a hello that names the room is on its way, as soon as that is answered. */
  leave(room: string): void;
  /** Sends a frame; throws `PAYLOAD_TOO_LARGE` on one that is larger than the server takes. */
  send(text: string): void;
  /** The log has a hole that no frame explained: begin again on a new socket. */
  resync(room: string): void;
  readonly report: (error: unknown) => void;
  readonly say: (printed: Set<string>, text: string) => void;
  forget(room: RoomState): void;
  /** Where the program is. */
  readonly site: () => CallSite;
}

/** A frame about one room, refusals aside. */
type RoomFrame = JoinedFrame | LeftFrame | EventFrame | SignalFrame | PresenceFrame | GapFrame;

/** How the room stands on this socket. A join is sent only when the leave before it was answered. */
type Wire = "out" | "joining" | "in" | "leaving";

/** The machine behind a joined room. */
export class RoomState {
  readonly name: string;
  readonly presence: Presence;
  readonly statuses: Emitter<RoomStatus>;
  readonly gaps: Emitter<Gap>;
  readonly errors: Emitter<BowlineError>;
  status: RoomStatus = { state: "joining" };
  position: Position | null;
  /** Offset of the newest publication when the room was joined. */
  #head = 0;
  wire: Wire = "out";
  face: JoinedRoom | null = null;
  readonly #context: RoomContext;
  readonly #history: number;
  readonly #site: CallSite;
  /** Refusals that the console was told since it was joined. */
  readonly #printed = new Set<string>();
  readonly #listeners = new Map<string, Emitter<Message | SignalMessage>>();

  constructor(context: RoomContext, name: string, { history = 0, position, presence }: JoinOptions) {
    if (!isCount(history)) throw new TypeError(`history must be a whole number from 0, not ${history}`);
    if (position && !(isCount(position.offset) && typeof position.epoch === "string"))
      throw new TypeError("position must be that of a room or message");
    this.#context = context;
    this.name = name;
    this.#history = history;
    this.#site = context.site();
    this.position = position ?? null;
    const { report } = context;
    this.statuses = new Emitter(report);
    this.gaps = new Emitter(report);
    this.errors = new Emitter(report);
    this.presence = new Presence(presence, report, (json) => {
      if (this.wire !== "in") return false;
      context.send(withPayload({ type: "presence", room: name }, json));
      return true;
    });
  }

  /** How many publications of the past are still to come. */
  get behind(): number {
    return Math.max(0, this.#head - (this.position?.offset ?? 0));
  }

  on(event: string, listener: (message: never) => void): Undo {
    let emitter = this.#listeners.get(event);
    if (!emitter) this.#listeners.set(event, (emitter = new Emitter(this.#context.report)));
    return emitter.on(listener as (message: Message | SignalMessage) => void);
  }

  /** What a hello or join says about this room. */
  joinRequest(): JoinRequest {
    const state = this.presence.announce();
    return {
      room: this.name,
      ...(this.position && { position: this.position }),
      ...(this.#history > 0 && { history: this.#history }),
      ...(state && { presence: JSON.parse(state) as unknown }),
    };
  }

  /** Asks to be let in, unless that is under way. */
  join(): void {
    if (this.wire !== "out" || !this.#context.isOpen()) return;
    this.wire = "joining";
    try {
      this.#context.send(encodeFrame({ type: "join", ...this.joinRequest() }));
    } catch (error) {
      if (!this.presence.refused()) return this.receiveError("join", error as BowlineError);
      // A state that was set meanwhile was too much: without it, the room may be joined.
      this.wire = "out";
      this.join();
      this.#tell("presence", error as BowlineError);
    }
  }

  leave(): void {
    if (this.status.state === "left") return;
    this.#setStatus({ state: "left" });
    this.presence.clear();
    if (this.wire === "out") return this.#context.forget(this);
    if (this.wire !== "leaving") this.#context.leave(this.name);
    this.wire = "leaving";
  }

  signal(event: string, payload: unknown): void {
    const text = withPayload({ type: "signal", room: this.name, event }, toJson(payload));
    if (this.wire === "in") this.#context.send(text);
  }

  /** The socket is gone; with `end`, for good: the client was closed or has stopped. */
  lost(end?: BowlineError): void {
    this.wire = "out";
    if (this.status.state === "left") this.#context.forget(this);
    else if (end) this.#refuse(errorAt(end, this.#site) as BowlineError);
    else if (this.status.state === "joined") this.#setStatus({ state: "joining" });
  }

  /** It is about to connect again. */
  begin(): void {
    if (this.status.state === "refused") this.#setStatus({ state: "joining" });
  }

  receive(frame: RoomFrame): void {
    if (frame.type === "joined") return this.#receiveJoined(frame);
    if (frame.type === "left") return this.#receiveLeft();
    // What is still on its way after a leave is not for anybody.
    if (this.wire !== "in") return;
    if (frame.type === "event") this.#receiveEvent(frame);
    else if (frame.type === "signal") this.#receiveSignal(frame);
    else if (frame.type === "presence") this.presence.receive(frame);
    else if (frame.type === "gap") this.#receiveGap(frame);
  }

  /** Something about the room was refused: a frame of the type `of`. */
  receiveError(of: ErrorSubject["of"], cause: BowlineError): void {
    const error = of === "join" ? (errorAt(cause, this.#site) as BowlineError) : cause;
    // Asked first: who waits for the join is no listener any more when told of its end.
    const isHeard = this.errors.isHeard || (of === "join" && this.statuses.isHeard);
    if (of === "join" && this.wire === "joining") {
      this.wire = "out";
      this.#refuse(error);
    }
    if (of === "presence") this.presence.refused();
    this.#tell(of, error, isHeard);
  }

  /** Resolves when joined; rejects when refused or left first, and while the client is closed. */
  joined(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const settle = (status: RoomStatus): void => {
        if (status.state === "joining") return;
        undo();
        if (status.state === "joined") resolve();
        else reject(status.state === "refused" ? status.error : localError("CLOSED", "the room was left"));
      };
      const undo = this.statuses.on(settle);
      settle(this.status);
    });
  }

  #tell(of: ErrorSubject["of"], error: BowlineError, isHeard = this.errors.isHeard): void {
    if (isHeard) this.errors.emit(error);
    else this.#context.say(this.#printed, `${of} of ${this.name} refused: ${error.code}: ${error.message}`);
  }

  #receiveJoined({ position, head, members, count }: JoinedFrame): void {
    if (this.wire !== "joining") return;
    this.wire = "in";
    // A position of this client's own stays until events or a gap move it: a line that breaks before the gap is told
    // must not make it look as if nothing were missing.
    this.position ??= position;
    this.#head = head;
    if (members || count !== undefined) this.presence.reset({ members, count });
    try {
      this.presence.joined();
    } catch (error) {
      this.receiveError("presence", error as BowlineError);
    }
    this.#printed.clear();
    this.#setStatus({ state: "joined" });
  }

  #receiveLeft(): void {
    this.wire = "out";
    if (this.status.state === "left") this.#context.forget(this);
    else this.join();
  }

  #receiveEvent({ id, event, payload, from, at, offset }: EventFrame): void {
    if (!this.position || offset <= this.position.offset) return;
    if (offset > this.position.offset + 1) return this.#context.resync(this.name);
    const position = { offset, epoch: this.position.epoch };
    this.position = position;
    this.#listeners
      .get(event)
      ?.emit({ id, event, payload, from, at, position, replayed: offset <= this.#head });
  }

  #receiveSignal({ event, payload, from, session }: SignalFrame): void {
    // A member's own typing, cursor or level is no news to it.
    if (session !== this.#context.session())
      this.#listeners.get(event)?.emit({ event, payload, from, session });
  }

  #receiveGap({ position, head, reason }: GapFrame): void {
    this.position = position;
    this.#head = head;
    this.gaps.emit({ position, reason });
  }

  #refuse(error: BowlineError): void {
    this.presence.clear();
    this.#setStatus({ state: "refused", error });
  }

  #setStatus(status: RoomStatus): void {
    this.status = status;
    this.statuses.emit(status);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
