import type { Undo } from "../base/clock.ts";
import type { Publish } from "../client/calls.ts";
import type { Gap, Message, RoomStatus, SignalMessage } from "../client/room-news.ts";
import type { Room } from "../client/room-types.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { History } from "./history.ts";
import type { Standstill } from "./standstill.ts";

/** What a {@link RecordedRoom} is made of. */
export interface RecordedRoomOptions {
  readonly device: string;
  readonly history: History;
  readonly standstill: Standstill;
  /** The events and signals of the room, from its contract. */
  readonly events: readonly string[];
  readonly start: Position | null;
  readonly presence: unknown;
  /** The id that the publication of a call bears. */
  readonly idOf: (ref: number) => string;
  /** Who uses the device. */
  readonly user?: () => string | null;
  /** Does something at the end of the turn. */
  readonly defer: (task: () => void) => void;
}

/** A client's room as an application uses it, with everything noted that goes in and comes out. */
export class RecordedRoom {
  /** Its number among all listeners of the simulation. */
  readonly reader: number;
  /** This member's own state; undefined where it has none. A room that was left has it until the end of the turn. */
  state: unknown;
  readonly #room: Room;
  readonly #options: RecordedRoomOptions;

  constructor(room: Room, options: RecordedRoomOptions) {
    const { history, device, start, events } = options;
    this.#room = room;
    this.#options = options;
    this.state = options.presence;
    this.reader = history.nextReader();
    const about = { device, reader: this.reader, room: room.name };
    history.add({ type: "join", ...about, start });
    for (const event of events) {
      room.on(event, (message: Message | SignalMessage) => {
        if (!("position" in message)) return history.add({ type: "signal", ...about });
        const { id, position, payload } = message;
        history.add({ type: "message", ...about, id, position, json: JSON.stringify(payload) });
      });
    }
    room.onGap(({ position, reason }) => history.add({ type: "gap", ...about, position, reason }));
    const noteStatus = (status: RoomStatus): void => {
      if (status.state === "joined") history.add({ type: "joined", ...about, position: room.position });
      if (status.state === "refused") history.add({ type: "refused", ...about, code: status.error.code });
    };
    room.onStatus(noteStatus);
    // It may have been left in this very turn: then it still is.
    if (room.status.state === "joined") noteStatus(room.status);
  }

  get name(): string {
    return this.#room.name;
  }

  get status(): RoomStatus {
    return this.#room.status;
  }

  get position(): Position | null {
    return this.#room.position;
  }

  get presence(): Room["presence"] {
    const { presence } = this.#room;
    return {
      members: presence.members,
      count: presence.count,
      set: (state) => {
        presence.set(state);
        this.state = state;
      },
      onChange: (listener) => presence.onChange(listener),
    };
  }

  /** Everybody present, as this client knows it. */
  get members(): ReadonlyMap<string, Member> {
    return this.#room.presence.members;
  }

  publish(event: string, payload: unknown): unknown {
    const published = this.#room.publish(event as never, payload) as Publish | undefined;
    if (!published) return undefined;
    const { history, standstill, device, idOf, user } = this.#options;
    standstill.watch(published, `${device}'s publish to ${this.name}`);
    const about = { device, id: idOf(published.ref), room: this.name };
    const json = JSON.stringify(payload ?? null);
    history.add({ type: "publish", ...about, json, user: user?.() ?? null });
    published.then(
      (position) => history.add({ type: "stored", ...about, position }),
      (error: BowlineError) => history.add({ type: "rejected", ...about, code: error.code }),
    );
    return published;
  }

  on(event: string, listener: (message: Message & SignalMessage) => void): Undo {
    return this.#room.on(event, listener as (message: Message | SignalMessage) => void);
  }

  onGap(listener: (gap: Gap) => void): Undo {
    return this.#room.onGap(listener);
  }

  onStatus(listener: (status: RoomStatus) => void): Undo {
    return this.#room.onStatus(listener);
  }

  onError(listener: (error: BowlineError) => void): Undo {
    return this.#room.onError(listener);
  }

  joined(): Promise<void> {
    const { standstill, device } = this.#options;
    const joined = this.#room.joined();
    standstill.watch(joined, `${device}'s join of ${this.name}`);
    return joined;
  }

  leave(): void {
    const { history, device, defer } = this.#options;
    if (this.status.state !== "left")
      history.add({ type: "leave", device, reader: this.reader, room: this.name });
    this.#room.leave();
    defer(() => (this.state = undefined));
  }
}
