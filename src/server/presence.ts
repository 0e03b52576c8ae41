import type { TimerWheel, WheelItem } from "../base/timer-wheel.ts";
import type { Member } from "../protocol/frames.ts";
import type { Broker } from "./broker.ts";
import type { Connection, UserLike } from "./connection.ts";
import type { Insist } from "./insist.ts";

/** What {@link Presence} needs of the node. */
export interface PresenceContext {
  readonly broker: Broker;
  readonly wheel: TimerWheel;
  readonly graceMs: number;
  readonly insist: Insist;
}

/** Who of this node's connections is present where. */
export class Presence {
  readonly #context: PresenceContext;
  /** Absences that have not become known yet; taken to their end at once when the node stops. */
  readonly #absences = new Set<Absence>();
  #stopped = false;

  constructor(context: PresenceContext) {
    this.#context = context;
  }

  /** Makes the connection's session a member of the room, or gives the member a new state. */
  async enter(connection: Connection, room: string, state: unknown): Promise<void> {
    const member: Member = { session: connection.session, user: (connection.user as UserLike).id, state };
    await this.#context.broker.enter(room, member, connection.generation);
  }

  /** The session left the room. */
  exit(connection: Pick<Connection, "session" | "generation">, room: string): void {
    const { broker, insist } = this.#context;
    const { session, generation } = connection;
    // However long it takes: a generation that has entered since is not taken away. Given up only when the node stops.
    const exited = insist(
      () => broker.exit(room, session, generation),
      () => !this.#stopped,
    );
    if (exited instanceof Promise) exited.catch(ignore);
  }

  /** The connection ended: its session stays present for the grace time, in which it may come back unnoticed. */
  ended(connection: Connection, rooms: readonly string[]): void {
    if (rooms.length === 0) return;
    const { session, generation } = connection;
    const absence = new Absence(() => {
      this.#absences.delete(absence);
      for (const room of rooms) this.exit({ session, generation }, room);
    });
    this.#absences.add(absence);
    this.#context.wheel.add(absence, this.#context.graceMs);
  }

  /** Ends every absence now. */
  stop(): void {
    this.#stopped = true;
    for (const absence of this.#absences) {
      this.#context.wheel.remove(absence);
      absence.due();
    }
  }
}

function ignore(): void {}

class Absence implements WheelItem {
  wheelSlot = -1;
  wheelIndex = -1;
  wheelTick = -1;
  readonly due: () => void;

  constructor(due: () => void) {
    this.due = due;
  }
}
