import { stateToJson } from "#client/help";
import type { Member, PresenceFrame } from "../protocol/frames.ts";

type Members = ReadonlyMap<string, Member>;

/** What the presence of a room needs of it. */
export interface PresenceContext {
  tell(kind: "members", members: Members): void;
  /** Sends a state; false where that has to wait for the join. */
  sendPayload(type: "presence", json: string): boolean;
}

/** Who is in a room, as this client knows it. */
export class Presence {
  /** By session id. Another map after each change: what was handed out never changes. */
  members: Members = new Map();
  /** How many are present: more than are listed, where they are too many to list. */
  count = 0;
  readonly #room: PresenceContext;
  /** This member's own state as JSON, taken when it was set; undefined where it has none. */
  #state: string | undefined;
  /** What the server was last told; at first, what the join is made with. */
  #announced: string | undefined;
  /** The state before that one. */
  #former: string | undefined;

  constructor(room: PresenceContext) {
    this.#room = room;
  }

  /** The own state; undefined where it has none. */
  get state(): unknown {
    return this.#state && (JSON.parse(this.#state) as unknown);
  }

  /** What the room is to be joined with; undefined for no state. */
  begin(state: unknown): void {
    this.#state = this.#announced = this.#former = state === undefined ? state : stateToJson(state);
  }

  /** Sets the own state, now or, where the room is not joined, with the join. */
  set(state: unknown): void {
    const json = stateToJson(state);
    if (json === this.#state) return;
    const sent = this.#room.sendPayload("presence", json);
    this.#state = json;
    if (sent) this.announce();
  }

  /** The own state as JSON, which the caller tells the server. */
  announce(): string | undefined {
    if (this.#announced !== this.#state) this.#former = this.#announced;
    this.#announced = this.#state;
    return this.#state;
  }

  /** The room was joined: what was set while the join was on its way is due. Throws what refuses it. */
  joined(): void {
    if (this.#announced !== this.#state) this.#room.sendPayload("presence", this.announce() as string);
  }

  /** The last state was not taken: the next join must not fail for it. False where there is no other. */
  refused(): boolean {
    const refused = this.#announced;
    if (refused === this.#state) this.#state = this.#former;
    this.#announced = this.#former;
    return refused !== this.#former;
  }

  /** Takes the whole list, the count where there is none, or what has changed. */
  receive({ members, count, set = [], gone = [] }: Omit<PresenceFrame, "type" | "room">): void {
    const next = new Map(members || count !== undefined ? [] : this.members);
    for (const member of members ?? set) next.set(member.session, member);
    for (const session of gone) next.delete(session);
    this.members = next;
    this.count = count ?? next.size;
    this.#room.tell("members", next);
  }

  clear(): void {
    if (this.count > 0) this.receive({ members: [] });
  }
}
