import { Emitter } from "../base/emitter.ts";
import type { Member, PresenceFrame } from "../protocol/frames.ts";

/** Who is in a room, as this client knows it. */
export class Presence {
  /** This member's own state; undefined where it has none. */
  state: unknown;
  readonly changes: Emitter<ReadonlyMap<string, Member>>;
  readonly #members = new Map<string, Member>();
  readonly #send: (state: unknown) => void;

  constructor(state: unknown, report: (error: unknown) => void, send: (state: unknown) => void) {
    this.state = state;
    this.changes = new Emitter(report);
    this.#send = send;
  }

  /** By session id. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Sets the own state, now or, where the room is not joined, with the join. */
  set(state: unknown): void {
    this.state = state;
    this.#send(state);
  }

  reset(members: readonly Member[]): void {
    this.#members.clear();
    for (const member of members) this.#members.set(member.session, member);
    this.changes.emit(this.#members);
  }

  receive({ members, set = [], gone = [] }: PresenceFrame): void {
    if (members) return this.reset(members);
    for (const member of set) this.#members.set(member.session, member);
    for (const session of gone) this.#members.delete(session);
    this.changes.emit(this.#members);
  }

  clear(): void {
    if (this.#members.size > 0) this.reset([]);
  }
}
