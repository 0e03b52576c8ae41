import { Emitter } from "../base/emitter.ts";
import type { Member, PresenceFrame } from "../protocol/frames.ts";
import { toJson } from "./payload.ts";

/** As a `joined` or `presence` frame has it. */
interface MembersOrCount {
  readonly members?: readonly Member[] | undefined;
  readonly count?: number | undefined;
}

/** Who is in a room, as this client knows it. */
export class Presence {
  readonly changes: Emitter<ReadonlyMap<string, Member>>;
  /** By session id. */
  readonly members: Map<string, Member> = new Map();
  /** Where there is no list. */
  #count: number | undefined;
  /** Sends a state; false where it has to wait for the join. */
  readonly #send: (json: string) => boolean;
  /** This member's own state as JSON, taken when it was set; undefined where it has none. */
  #state: string | undefined;
  /** What the server was last told; at first, what the join is made with. */
  #announced: string | undefined;
  /** The state before that one. */
  #former: string | undefined;

  constructor(state: unknown, report: (error: unknown) => void, send: (json: string) => boolean) {
    if (state !== undefined) this.#state = this.#announced = this.#former = toJson(state);
    this.changes = new Emitter(report);
    this.#send = send;
  }

  /** How many are present: more than are listed, where they are too many to list. */
  get count(): number {
    return this.#count ?? this.members.size;
  }

  /** Sets the own state, now or, where the room is not joined, with the join. */
  set(state: unknown): void {
    const json = toJson(state);
    const sent = this.#send(json);
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
    if (this.#announced !== this.#state) this.#send(this.announce() as string);
  }

  /** The last state was not taken: the next join must not fail for it. False where there is no other. */
  refused(): boolean {
    const refused = this.#announced;
    if (refused === this.#state) this.#state = this.#former;
    this.#announced = this.#former;
    return refused !== this.#former;
  }

  /** Takes the whole list, or the count where there is none. */
  reset({ members = [], count }: MembersOrCount): void {
    this.members.clear();
    this.#count = count;
    for (const member of members) this.members.set(member.session, member);
    this.changes.emit(this.members);
  }

  receive(frame: PresenceFrame): void {
    const { members, count, set = [], gone = [] } = frame;
    if (members || count !== undefined) return this.reset(frame);
    for (const member of set) this.members.set(member.session, member);
    for (const session of gone) this.members.delete(session);
    this.changes.emit(this.members);
  }

  clear(): void {
    if (this.count > 0) this.reset({});
  }
}
