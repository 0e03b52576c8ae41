import { Emitter } from "../base/emitter.ts";
import type { Member, PresenceFrame } from "../protocol/frames.ts";

/** As a `joined` or `presence` frame has it. */
interface MembersOrCount {
  readonly members?: readonly Member[] | undefined;
  readonly count?: number | undefined;
}

/** Who is in a room, as this client knows it. */
export class Presence {
  readonly changes: Emitter<ReadonlyMap<string, Member>>;
  readonly #members = new Map<string, Member>();
  /** Where there is no list. */
  #count: number | undefined;
  /** Sends a state; false where it has to wait for the join. */
  readonly #send: (state: unknown) => boolean;
  /** This member's own state; undefined where it has none. */
  #state: unknown;
  /** What the server was last told. */
  #announced: unknown;
  /** The state before that one. */
  #former: unknown;

  constructor(state: unknown, report: (error: unknown) => void, send: (state: unknown) => boolean) {
    this.#state = state;
    this.changes = new Emitter(report);
    this.#send = send;
  }

  /** How many are present: more than are listed, where they are too many to list. */
  get count(): number {
    return this.#count ?? this.#members.size;
  }

  /** By session id. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Sets the own state, now or, where the room is not joined, with the join. */
  set(state: unknown): void {
    const sent = this.#send(state);
    this.#state = state;
    if (sent) this.announce();
  }

  /** The own state, which the caller tells the server. */
  announce(): unknown {
    if (this.#announced !== this.#state) this.#former = this.#announced;
    this.#announced = this.#state;
    return this.#state;
  }

  /** The room was joined: what was set while the join was on its way is due. */
  joined(): void {
    if (this.#announced !== this.#state) this.set(this.#state);
  }

  /** The server did not take the last state: the next join must not fail for it. */
  refused(): void {
    if (this.#announced === this.#state) this.#state = this.#former;
    this.#announced = this.#former;
  }

  /** Takes the whole list, or the count where there is none. */
  reset({ members = [], count }: MembersOrCount): void {
    this.#members.clear();
    this.#count = count;
    for (const member of members) this.#members.set(member.session, member);
    this.changes.emit(this.#members);
  }

  receive(frame: PresenceFrame): void {
    const { members, count, set = [], gone = [] } = frame;
    if (members || count !== undefined) return this.reset(frame);
    for (const member of set) this.#members.set(member.session, member);
    for (const session of gone) this.#members.delete(session);
    this.changes.emit(this.#members);
  }

  clear(): void {
    if (this.count > 0) this.reset({});
  }
}
