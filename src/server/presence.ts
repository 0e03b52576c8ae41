import type { TimerWheel, WheelItem } from "../base/timer-wheel.ts";
import { clientCloseNumbers, closeName } from "../protocol/codes.ts";
import type { Member } from "../protocol/frames.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Insist } from "./insist.ts";
import type { Limits } from "./limits.ts";
import { MemberPlaces } from "./member-places.ts";

/** What {@link Presence} needs of the node. */
export interface PresenceContext {
  readonly broker: Broker;
  readonly wheel: TimerWheel;
  readonly graceMs: number;
  readonly limits: Limits;
  readonly insist: Insist;
}

/** Who of this node's connections is present where. */
export class Presence {
  readonly #context: PresenceContext;
  /** Absences that have not become known yet; taken to their end at once when the node stops. */
  readonly #absences = new Set<Absence>();
  /** Exits that the broker has not carried out yet, by session and room. */
  readonly #exits = new Map<string, object>();
  readonly #places: MemberPlaces;
  #stopped = false;

  constructor(context: PresenceContext) {
    this.#context = context;
    this.#places = new MemberPlaces(context.limits.membersPerUser);
  }

  /** Makes the connection's session a member of the room, or gives the member a new state. */
  async enter(connection: Connection, room: string, state: unknown): Promise<void> {
    this.#exits.delete(`${connection.session} ${room}`);
    const { userId: user } = connection;
    const member: Member = { session: connection.session, user, state };
    const replaced = this.#places.take(room, user, connection);
    if (replaced) this.#exit(replaced, room);
    await this.#context.broker.enter(room, member, connection.generation);
  }

  /** The session left the room. */
  exit(connection: Departed, room: string): void {
    this.#places.free(room, connection.userId, connection);
    this.#exit(connection, room);
  }

  #exit(connection: Pick<Connection, "session" | "generation">, room: string): void {
    const { broker, insist } = this.#context;
    const { session, generation } = connection;
    const key = `${session} ${room}`;
    const exit = {};
    this.#exits.set(key, exit);
    const isLatest = (): boolean => this.#exits.get(key) === exit;
    // However long it takes: a generation that has entered since is not taken away. Given up when the same connection
    // enters again, and when the node stops.
    const exited = insist(
      () => broker.exit(room, session, generation),
      () => !this.#stopped && isLatest(),
    );
    const done = (): void => void (isLatest() && this.#exits.delete(key));
    // oxlint-disable-next-line promise/no-callback-in-promise
    void Promise.resolve(exited).then(done, done);
  }

  /**
   * The connection ended. A session that will not come back is gone at once; any other stays present for the grace time,
   * in which it may come back unnoticed.
   */
  ended(connection: Connection, rooms: readonly string[]): void {
    if (rooms.length === 0) return;
    const { session, generation, userId, closeCode } = connection;
    if (isForGood(closeCode)) {
      for (const room of rooms) this.exit(connection, room);
      return;
    }
    for (const room of rooms) this.#places.leaveEmpty(room, connection.userId, session);
    const absence = new Absence(() => {
      this.#absences.delete(absence);
      for (const room of rooms) this.exit({ session, generation, userId }, room);
    });
    this.#absences.add(absence);
    this.#context.wheel.add(absence, this.#context.graceMs);
  }

  /** The broker has let the session in only after its connection had ended. */
  enteredLate(connection: Connection, room: string): void {
    if (isForGood(connection.closeCode)) this.exit(connection, room);
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

/** What is left of a connection: whose member goes. */
type Departed = Pick<Connection, "session" | "generation" | "userId">;

/** Whether who is closed with this code stays away: the client's own close, and the application's. */
function isForGood(closeCode: number): boolean {
  return closeCode === clientCloseNumbers.NORMAL || closeName(closeCode) === "KICKED";
}

class Absence implements WheelItem {
  wheelSlot = -1;
  wheelIndex = -1;
  wheelTick = -1;
  readonly due: () => void;

  constructor(due: () => void) {
    this.due = due;
  }
}
