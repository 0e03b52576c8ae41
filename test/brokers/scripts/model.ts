import { ledgerLength, type LogBound, type Origin } from "../../../src/server/broker.ts";
import type { Member, Position } from "../../../src/protocol/frames.ts";

// What a broker has to answer, without any of what makes one hard. The memory broker is held to it by the same scripts.

interface RoomModel {
  /** Null until a broker has named it. */
  epoch: string | null;
  head: number;
  /** By offset, what was ever stored in this log. */
  entries: Map<number, string>;
}

interface SessionModel {
  readonly user: string;
  generation: number;
  ledger: string;
  ref: number;
  publishes: { readonly room: string; readonly ref: number; readonly position: Position }[];
  /** Claimed requests; null while they have no answer. */
  readonly answers: Map<number, string | null>;
}

interface Present {
  readonly member: Member;
  readonly generation: number;
  readonly node: string;
}

/** A publish, as it is asked for. */
export interface ModelAppend {
  readonly room: string;
  readonly data: string;
  readonly origin: Origin | null;
  /** Whether it is to be stored at the very end, somewhere else, or wherever that is. */
  readonly at: "end" | "elsewhere" | "anywhere";
}

export type ModelOutcome =
  | { readonly outcome: "stored" | "repeated" | "conflict"; readonly position: Position }
  | { readonly outcome: "out-of-order" | "unknown-session" };

/** What the logs, the sessions and the rooms' members have to be. */
export class Model {
  readonly rooms: Map<string, RoomModel> = new Map();
  readonly sessions: Map<string, SessionModel> = new Map();
  readonly members: Map<string, Map<string, Present>> = new Map();
  /** Of each room, what was stored under every epoch that it had. */
  readonly past: Map<string, Map<string, Map<number, string>>> = new Map();
  readonly #epochs = new Set<string>();

  room(name: string): RoomModel {
    let room = this.rooms.get(name);
    if (!room) this.rooms.set(name, (room = { epoch: null, head: 0, entries: new Map() }));
    return room;
  }

  /** Takes the name that a broker gave a log that had none; throws when it was another one's. */
  nameEpoch(name: string, epoch: string): void {
    const room = this.room(name);
    if (room.epoch !== null) return;
    if (this.#epochs.has(epoch)) throw new Error(`the epoch ${epoch} of ${name} was given before`);
    this.#epochs.add(epoch);
    room.epoch = epoch;
    const past = this.past.get(name) ?? new Map<string, Map<number, string>>();
    this.past.set(name, past.set(epoch, room.entries));
  }

  base(name: string, { count }: LogBound): number {
    return Math.max(0, this.room(name).head - count);
  }

  /** What an append comes to; `epoch` is the name that the log got if this is the first that is heard of it. */
  append({ room: name, data, origin, at }: ModelAppend, epoch: string): ModelOutcome {
    const session = origin && this.sessionOf(origin);
    if (origin && !session) return { outcome: "unknown-session" };
    if (origin && session) {
      const known = this.find(name, origin);
      if (known) return { outcome: "repeated", position: known };
      const isLater = session.publishes.some(({ room, ref }) => room === name && ref > origin.ref);
      if (isLater) return { outcome: "out-of-order" };
    }
    this.nameEpoch(name, epoch);
    const room = this.room(name);
    const named = room.epoch as string;
    if (at === "elsewhere") return { outcome: "conflict", position: { offset: room.head, epoch: named } };
    room.head += 1;
    room.entries.set(room.head, data);
    const position = { offset: room.head, epoch: named };
    if (origin && session) {
      session.publishes = [...session.publishes, { room: name, ref: origin.ref, position }].slice(
        -ledgerLength,
      );
      session.ref = Math.max(session.ref, origin.ref);
    }
    return { outcome: "stored", position };
  }

  find(room: string, origin: Origin): Position | null {
    const found = this.sessionOf(origin)?.publishes.find((it) => it.room === room && it.ref === origin.ref);
    return found?.position ?? null;
  }

  claim(origin: Origin): { outcome: string; answer?: string } {
    const session = this.sessionOf(origin);
    if (!session) return { outcome: "unknown-session" };
    const { ref } = origin;
    session.ref = Math.max(session.ref, ref);
    const answer = session.answers.get(ref);
    if (answer === undefined) session.answers.set(ref, null);
    if (answer === undefined) return { outcome: "claimed" };
    return answer === null ? { outcome: "unanswered" } : { outcome: "answered", answer };
  }

  answer(origin: Origin, answer: string): void {
    const session = this.sessionOf(origin);
    if (session?.answers.get(origin.ref) === null) session.answers.set(origin.ref, answer);
  }

  /** `ledger`: the name of the ledgers if it is new. */
  open(
    id: string,
    user: string,
    generation: number,
    ledger: string,
  ): { outcome: string; ledger?: string; ref?: number } {
    const session = this.sessions.get(id);
    if (!session) {
      this.#newSession(id, user, generation, ledger);
      return { outcome: "opened", ledger, ref: 0 };
    }
    if (session.user !== user) return { outcome: "mismatch" };
    if (generation <= session.generation) return { outcome: "stale" };
    session.generation = generation;
    return { outcome: "opened", ledger: session.ledger, ref: session.ref };
  }

  sessionOf({ session: id, ledger }: Origin): SessionModel | undefined {
    const session = this.sessions.get(id);
    return ledger === undefined || session?.ledger === ledger ? session : undefined;
  }

  enter(room: string, member: Member, generation: number, node: string): void {
    const members = this.members.get(room) ?? new Map<string, Present>();
    this.members.set(room, members);
    const held = members.get(member.session);
    if (!held || held.generation <= generation) members.set(member.session, { member, generation, node });
  }

  exit(room: string, session: string, generation: number): void {
    const held = this.members.get(room)?.get(session);
    if (held && held.generation <= generation) this.members.get(room)?.delete(session);
  }

  present(room: string): Member[] {
    const members = Array.from(this.members.get(room)?.values() ?? [], ({ member }) => member);
    return members.toSorted((a, b) => (a.session < b.session ? -1 : 1));
  }

  /** A node is gone, and its members with it. */
  nodeGone(node: string): void {
    for (const members of this.members.values())
      for (const [session, present] of members) if (present.node === node) members.delete(session);
  }

  /** A log was lost: another one begins. */
  loseRoom(name: string): void {
    this.rooms.delete(name);
  }

  /** A session's ledgers were lost. */
  loseSession(id: string): void {
    this.sessions.delete(id);
  }

  #newSession(id: string, user: string, generation: number, ledger: string): void {
    if (this.#epochs.has(ledger))
      throw new Error(`the ledger ${ledger} of the session ${id} was given before`);
    this.#epochs.add(ledger);
    this.sessions.set(id, { user, generation, ledger, ref: 0, publishes: [], answers: new Map() });
  }
}
