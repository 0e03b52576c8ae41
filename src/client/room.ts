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
import { localError } from "./outbox-entry.ts";
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

/** Where a room stands. `refused` is tried again on the next connection. */
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
  /** Sends a frame; false where it is larger than the server takes. */
  send(text: string): boolean;
  /** The log has a hole that no frame explained: begin again on a new socket. */
  resync(room: string): void;
  readonly report: (error: unknown) => void;
  forget(room: RoomState): void;
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
  readonly #context: RoomContext;
  readonly #history: number;
  readonly #listeners = new Map<string, Emitter<Message | SignalMessage>>();

  constructor(context: RoomContext, name: string, options: JoinOptions) {
    this.#context = context;
    this.name = name;
    this.#history = options.history ?? 0;
    this.position = options.position ?? null;
    const { report } = context;
    this.statuses = new Emitter(report);
    this.gaps = new Emitter(report);
    this.errors = new Emitter(report);
    this.presence = new Presence(options.presence, report, (payload) => {
      if (this.wire !== "in") return false;
      const sent = context.send(encodeFrame({ type: "presence", room: name, payload }));
      if (!sent) throw localError("PAYLOAD_TOO_LARGE");
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
      ...(state !== undefined && { presence: state }),
    };
  }

  /** Asks to be let in, unless that is under way. */
  join(): void {
    if (this.wire !== "out" || !this.#context.isOpen()) return;
    this.wire = "joining";
    const sent = this.#context.send(encodeFrame({ type: "join", ...this.joinRequest() }));
    if (!sent) this.receiveError("join", localError("PAYLOAD_TOO_LARGE"));
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
    if (this.wire !== "in") return;
    const text = encodeFrame({ type: "signal", room: this.name, event, payload: payload ?? null });
    if (!this.#context.send(text)) throw localError("PAYLOAD_TOO_LARGE");
  }

  /** The socket is gone. */
  lost(): void {
    this.wire = "out";
    if (this.status.state === "left") this.#context.forget(this);
    else if (this.status.state === "joined") this.#setStatus({ state: "joining" });
  }

  receive(frame: RoomFrame): void {
    if (frame.type === "joined") return this.#receiveJoined(frame);
    if (frame.type === "left") return this.#receiveLeft();
    // What is still on its way after a leave is not for anybody.
    if (this.wire !== "in") return;
    if (frame.type === "event") this.#receiveEvent(frame);
    else if (frame.type === "signal") this.#receiveSignal(frame);
    else if (frame.type === "presence") this.presence.receive(frame);
    else this.#receiveGap(frame);
  }

  /** Something about the room was refused: a frame of the type `of`. */
  receiveError(of: ErrorSubject["of"], error: BowlineError): void {
    if (of === "join" && this.wire === "joining") {
      this.wire = "out";
      this.#setStatus({ state: "refused", error });
    }
    if (of === "presence") this.presence.refused();
    this.errors.emit(error);
  }

  /** Resolves when joined; rejects when refused or left first. */
  async joined(): Promise<void> {
    if (this.status.state === "joined") return;
    await new Promise<void>((resolve, reject) => {
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

  #receiveJoined({ position, head, members, count }: JoinedFrame): void {
    if (this.wire !== "joining") return;
    this.wire = "in";
    // A position of this client's own stays until events or a gap move it: a line that breaks before the gap is told
    // must not make it look as if nothing were missing.
    this.position ??= position;
    this.#head = head;
    if (members || count !== undefined) this.presence.reset({ members, count });
    this.presence.joined();
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

  #setStatus(status: RoomStatus): void {
    this.status = status;
    this.statuses.emit(status);
  }
}
