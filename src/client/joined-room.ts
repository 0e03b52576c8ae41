import type { Undo } from "../base/clock.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { Publish } from "./calls.ts";
import type { Gap, RoomState, RoomStatus } from "./room.ts";

/** What a joined room needs of the client. */
export interface Publisher {
  /** Throws {@link noEvent} for what the contract has no event for. */
  publish(room: string, event: string, payload: unknown): Publish;
}

/** The plain half of the typed `Room`: passes everything on to the machine behind it. */
export class JoinedRoom {
  readonly #publisher: Publisher;
  readonly #state: RoomState;
  readonly #definition: RoomDefinition;

  constructor(publisher: Publisher, state: RoomState, definition: RoomDefinition) {
    this.#publisher = publisher;
    this.#state = state;
    this.#definition = definition;
  }

  get name(): string {
    return this.#state.name;
  }

  get status(): RoomStatus {
    return this.#state.status;
  }

  get position(): Position | null {
    return this.#state.position;
  }

  get behind(): number {
    return this.#state.behind;
  }

  get presence(): {
    readonly members: ReadonlyMap<string, Member>;
    readonly count: number;
    set(state: unknown): void;
    onChange(listener: (members: ReadonlyMap<string, Member>) => void): Undo;
  } {
    const { presence } = this.#state;
    return {
      members: presence.members,
      count: presence.count,
      set: (state) => presence.set(state),
      onChange: (listener) => presence.changes.on(listener),
    };
  }

  publish(event: string, payload: unknown): Publish | void {
    if (this.#definition.events[event]?.kind === "signal") return this.#state.signal(event, payload);
    return this.#publisher.publish(this.name, event, payload);
  }

  on(event: string, listener: (message: never) => void): Undo {
    if (!this.#definition.events[event]?.kind) throw noEvent(this.name, event);
    return this.#state.on(event, listener);
  }

  onGap(listener: (gap: Gap) => void): Undo {
    return this.#state.gaps.on(listener);
  }

  onStatus(listener: (status: RoomStatus) => void): Undo {
    return this.#state.statuses.on(listener);
  }

  onError(listener: (error: BowlineError) => void): Undo {
    return this.#state.errors.on(listener);
  }

  joined(): Promise<void> {
    return this.#state.joined();
  }

  leave(): void {
    this.#state.leave();
  }
}

/** A name that the room's contract does not have. */
export function noEvent(room: string, event: string): TypeError {
  return new TypeError(`"${room}" has no event "${event}"`);
}
