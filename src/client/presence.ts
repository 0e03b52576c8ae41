import type { Member, PresenceFrame } from "../protocol/frames.ts";
import { stateLevelsMax, toJson } from "../protocol/payload.ts";

/** As a `joined` or `presence` frame has it. */
interface MembersOrCount {
  readonly members?: readonly Member[] | undefined;
  readonly count?: number | undefined;
}

/** Who is in a room, as this client knows it. */
export class Presence {
  /** By session id. Another map after each change: what was handed out never changes. */
  members: ReadonlyMap<string, Member> = new Map();
  readonly #changed: (members: ReadonlyMap<string, Member>) => void;
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

  constructor(
    state: unknown,
    changed: (members: ReadonlyMap<string, Member>) => void,
    send: (json: string) => boolean,
  ) {
    if (state !== undefined) this.#state = this.#announced = this.#former = toJson(state, stateLevelsMax);
    this.#changed = changed;
    this.#send = send;
  }

  /** How many are present: more than are listed, where they are too many to list. */
  get count(): number {
    return this.#count ?? this.members.size;
  }

  /** The own state; undefined where it has none. */
  get state(): unknown {
    return this.#state && (JSON.parse(this.#state) as unknown);
  }

  /** Sets the own state, now or, where the room is not joined, with the join. */
  set(state: unknown): void {
    const json = toJson(state, stateLevelsMax);
    if (json === this.#state) return;
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
    this.#count = count;
    this.#replace(new Map(members.map((member) => [member.session, member])));
  }

  receive(frame: PresenceFrame): void {
    const { members, count, set = [], gone = [] } = frame;
    if (members || count !== undefined) return this.reset(frame);
    const next = new Map(this.members);
    for (const member of set) next.set(member.session, member);
    for (const session of gone) next.delete(session);
    this.#replace(next);
  }

  clear(): void {
    if (this.count > 0) this.reset({});
  }

  #replace(members: ReadonlyMap<string, Member>): void {
    this.members = members;
    this.#changed(members);
  }
}
