import { misuse, toJson } from "#client/help";
import type { Undo } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { CallSite } from "./call-site.ts";
import type { Publish } from "./calls.ts";
import type { JoinOptions } from "./join-options.ts";
import type { News, Reader } from "./reader.ts";
import type { Gap, Message, RoomStatus } from "./room-news.ts";
import { publishOf } from "./outbox-entry.ts";
import type { Presence } from "./presence.ts";
import type { RoomState } from "./room.ts";

type Members = ReadonlyMap<string, Member>;

/** Who is in a room, the plain half of the typed `RoomPresence`. */
export interface JoinedRoomPresence {
  readonly members: Members;
  readonly count: number;
  readonly set: (state: unknown) => void;
  readonly onChange: (listener: (members: Members) => void) => Undo;
}

/** What waits for a first listener, at most: where there is none by then, there will be none. */
const heldMax = 1000;

const left: RoomStatus = { state: "left" };
const nobody: Members = new Map();

/**
 * What one `join` gives, the plain half of the typed `Room`. What comes before anybody can have begun to listen is held:
 * until there is a first listener, and until the turn is over in which that came or the room was joined.
 */
export class JoinedRoom {
  readonly name: string;
  readonly presence: JoinedRoomPresence;
  readonly #definition: RoomDefinition;
  /** Where it was joined. */
  readonly #site: CallSite;
  readonly #history: number;
  /** By kind of news; for events and signals by `:` and their name. */
  readonly #emitters: Record<string, Emitter<unknown>> = {};
  /** Null once it was left. */
  #room: RoomState | null;
  #position: Position | null;
  #held: (() => void)[] | null = [];
  #isHeard = false;

  /** `past`: what is to be heard of what was told to others already. */
  constructor(room: RoomState, { history = 0 }: JoinOptions, past: readonly Message[], site: CallSite) {
    this.name = room.name;
    this.#room = room;
    this.#site = site;
    this.#definition = room.client.definition(room.name);
    this.#history = history;
    const { position } = room;
    this.#position = position && { ...position, offset: position.offset - past.length };
    for (const message of past) this.#reader.tell("message", message);
    room.readers.add(this.#reader);
    const presence = (): Presence | undefined => this.#room?.presence;
    this.presence = {
      get members() {
        return presence()?.members ?? nobody;
      },
      get count() {
        return presence()?.count ?? 0;
      },
      set: (state) => this.#entered().presence.set(state),
      onChange: (listener) => this.#listen("members", listener),
    };
  }

  get status(): RoomStatus {
    return this.#room?.status ?? left;
  }

  get position(): Position | null {
    return this.#position;
  }

  get behind(): number {
    return Math.max(0, (this.#room?.head ?? 0) - (this.#position?.offset ?? 0));
  }

  readonly publish = (event: string, payload: unknown): Publish | void => {
    if (this.#definition.events[event]?.kind === "signal") {
      this.#entered().sendPayload("signal", toJson(payload), event);
      return undefined;
    }
    return this.#room?.client.publish(this.name, event, payload) ?? publishOf(Promise.reject(this.#gone()));
  };

  readonly on = (event: string, listener: (message: never) => void): Undo => {
    if (!this.#definition.events[event]?.kind) throw misuse("event", this.name, event);
    return this.#listen(`:${event}`, listener);
  };

  readonly onGap = (listener: (gap: Gap) => void): Undo => this.#listen("gap", listener);

  readonly onStatus = (listener: (status: RoomStatus) => void): Undo => this.#listen("status", listener);

  readonly onError = (listener: (error: BowlineError) => void): Undo => this.#listen("error", listener);

  readonly joined = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (status: RoomStatus): void => {
        if (status.state === "joining") return;
        undo();
        const { error = this.#gone() } = status as { error?: BowlineError };
        if (status.state === "joined") resolve();
        else reject(this.#site(error, { room: this.name }));
      };
      const undo = this.onStatus(settle);
      settle(this.status);
    });

  readonly leave = (): void => {
    const room = this.#room;
    if (!room) return;
    this.#room = null;
    room.readers.delete(this.#reader);
    this.#emitters["members"]?.emit(nobody);
    this.#emitters["status"]?.emit(left);
    // Who joins again in the same turn never was away.
    room.client.clock.defer(() => {
      if (room.readers.size === 0) room.leave();
    });
  };

  #gone(): BowlineError {
    const { name: room } = this;
    return new BowlineError("CLOSED", `${room} was left`, { room });
  }

  /** The room, while it is joined. */
  #entered(): RoomState {
    if (!this.#room) throw this.#gone();
    return this.#room;
  }

  #listen(kind: string, listener: (news: never) => void): Undo {
    const { report } = this.#entered().client;
    if (!this.#isHeard && isHeld(kind)) {
      this.#isHeard = true;
      this.#hold();
    }
    return (this.#emitters[kind] ??= new Emitter(report)).on(listener as (news: unknown) => void);
  }

  readonly #reader: Reader = {
    tell: (kind, news) => {
      if (kind === "status" && (news as RoomStatus).state === "joined") this.#begin();
      if (!this.#held || !isHeld(kind)) this.#handOn(kind, news);
      else if (this.#held.push(() => this.#handOn(kind, news)) > heldMax) this.#release();
    },
    emitters: this.#emitters,
  };

  /** The room is joined. Somebody else may have asked for more of the past: that is not for this one. */
  #begin(): void {
    const { position, head } = this.#entered();
    this.#position ??= position && {
      ...position,
      offset: Math.max(position.offset, head - this.#history),
    };
    this.#hold();
  }

  #handOn(kind: keyof News, news: News[keyof News]): void {
    if (!this.#room) return;
    if ("position" in news) {
      // Only a gap may go back.
      if (kind === "message" && this.#position && news.position.offset <= this.#position.offset) return;
      this.#position = news.position;
    }
    this.#emitters["event" in news ? `:${news.event}` : kind]?.emit(news);
  }

  #hold(): void {
    this.#held ??= [];
    if (this.#isHeard) this.#room?.client.clock.defer(() => this.#release());
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const handOn of held) handOn();
  }
}

/** Whether such news wait for a listener. */
function isHeld(kind: string): boolean {
  return kind !== "status" && kind !== "members";
}
