import type { Member } from "../../protocol/frames.ts";
import type { Members, PresenceChange } from "../../server/broker.ts";
import { systemClock } from "../../base/clock.ts";
import { decodePlace, RoomMembers, roomOf, sessionOf, type HeldPlace, type Place } from "./room-members.ts";
import type { Store } from "./store.ts";
import type { Stored } from "./stored.ts";
import { tokenOf } from "./subjects.ts";

/** What {@link Presence} needs of the broker. */
export interface PresenceContext {
  readonly store: Store;
  readonly node: string;
  /** Makes sure that this node's lease is there, for what it enters. */
  holdLease(): Promise<void>;
  receivePresence(room: string, change: PresenceChange): void;
}

interface OwnMember {
  readonly room: string;
  readonly member: Member;
  readonly generation: number;
}

/** How long a change that is stored may take to come live, before everything is read again. */
const liveMs = 1000;
/** Members looked after at a beat. */
const mendMax = 256;
/** Writes under way at a time where there are many. */
const writesMax = 64;

/**
 * Who is present: a message for each member, written only over the one that was read, and removed with the member. What
 * a node is subscribed to it holds a copy of.
 */
export class Presence {
  readonly #context: PresenceContext;
  /** Copies of the rooms this node is subscribed to. */
  readonly #loaded = new Map<string, RoomMembers>();
  /** What came live of those that are being read. */
  readonly #early = new Map<string, Stored[]>();
  /** Those this node answers for, by room and session. */
  readonly #own = new Map<string, OwnMember>();
  /** Those that are yet to be looked after, until all were and it begins anew. */
  #unmended: [string, OwnMember][] = [];
  /** The last write of each place: they go one after the other. */
  readonly #writes = new Map<string, Promise<void>>();

  constructor(context: PresenceContext) {
    this.#context = context;
  }

  async enter(room: string, member: Member, generation: number): Promise<void> {
    const own: OwnMember = { room, member, generation };
    const place: Place = { member, generation, node: this.#context.node };
    const key = keyOf(room, member.session);
    await this.#inTurn(key, async () => {
      await this.#context.holdLease();
      const entered = await this.#write(room, member.session, (held) =>
        held?.member && held.generation > generation ? null : place,
      );
      if (entered) this.#own.set(key, own);
    });
  }

  async exit(room: string, session: string, generation: number): Promise<void> {
    const key = keyOf(room, session);
    await this.#inTurn(key, async () => {
      await this.#write(room, session, (held) =>
        held?.member && held.generation <= generation ? goneFrom(held) : null,
      );
      if ((this.#own.get(key)?.generation ?? Infinity) <= generation) this.#own.delete(key);
    });
  }

  async members(room: string, limit: number): Promise<Members> {
    const isSubscribed = this.#loaded.has(room) || this.#early.has(room);
    const members = isSubscribed ? await this.#current(room) : await this.#read(room);
    return { count: members.count, list: members.count <= limit ? members.list() : [] };
  }

  /** Keeps a copy of the room from here on, read now. */
  async subscribe(room: string): Promise<void> {
    const early: Stored[] = [];
    this.#loaded.delete(room);
    this.#early.set(room, early);
    const members = await this.#read(room);
    // Another reading may have begun, or nobody want it any more.
    if (this.#early.get(room) !== early) return;
    this.#early.delete(room);
    this.#loaded.set(room, members);
    for (const message of early) this.receive(room, message);
  }

  unsubscribe(room: string): void {
    this.#loaded.delete(room);
    this.#early.delete(room);
  }

  /** A change of a subscribed room that was stored. */
  receive(room: string, message: Stored): void {
    this.#early.get(room)?.push(message);
    const change = this.#loaded.get(room)?.add(message);
    if (change) this.#context.receivePresence(room, change);
  }

  /** Puts this node's members back where others took them away, or everything was lost. */
  async reenter(): Promise<void> {
    await this.#putBack([...this.#own]);
  }

  /** The same for some of them at a time, and the next ones next time: somebody may have deleted what is stored. */
  async mend(): Promise<void> {
    if (this.#unmended.length === 0) this.#unmended = [...this.#own];
    await this.#putBack(this.#unmended.splice(0, mendMax));
  }

  async #putBack(members: readonly (readonly [string, OwnMember])[]): Promise<void> {
    const { node } = this.#context;
    await inGroups(members, async ([key, own]) => {
      const { room, member, generation } = own;
      await this.#inTurn(key, async () => {
        if (this.#own.get(key) !== own) return;
        const isMine = (held: HeldPlace): boolean => held.node === node && held.generation === generation;
        let isElsewhere = false;
        await this.#write(room, member.session, (held) => {
          isElsewhere = held !== null && held.member !== null && held.generation > generation;
          const isThere = held !== null && held.member !== null && isMine(held);
          return isElsewhere || isThere ? null : { member, generation, node };
        });
        if (isElsewhere) this.#own.delete(key);
      });
    });
  }

  /** Takes away every member whose node is none of these, and what is left of those that went. */
  async removeOthers(nodes: ReadonlySet<string>): Promise<void> {
    const { store } = this.#context;
    const places = await store.scan({ subject: store.subject("*.*") });
    await inGroups(places, async ({ subject, seq, body }) => {
      const place = decodePlace(body);
      if (!place.member) await store.purge(subject, seq + 1);
      // Only if nothing was written since: it may have entered anew.
      else if (!nodes.has(place.node))
        await this.#store(roomOf(subject), sessionOf(subject), goneFrom(place), seq);
    });
  }

  /** Takes this node's members away. */
  async removeOwn(): Promise<void> {
    await inGroups([...this.#own.values()], ({ room, member, generation }) =>
      this.exit(room, member.session, generation),
    );
  }

  /** Writes what `decide` makes of what is there; null leaves it. Gives whether it was written. */
  async #write(
    room: string,
    session: string,
    decide: (held: HeldPlace | null) => Place | null,
  ): Promise<boolean> {
    // What this node knows of it may be old: then the server refuses, and is asked.
    let held = this.#loaded.get(room)?.place(session) ?? null;
    for (let isSure = false; ; isSure = true) {
      const place = decide(held);
      if (place && (await this.#store(room, session, place, held?.seq ?? 0))) return true;
      if (!place && isSure) return false;
      held = await this.#held(room, session);
    }
  }

  async #held(room: string, session: string): Promise<HeldPlace | null> {
    const stored = await this.#context.store.last(this.#subject(room, session));
    return stored && { ...decodePlace(stored.body), seq: stored.seq };
  }

  async #store(room: string, session: string, place: Place, last: number): Promise<boolean> {
    const { store } = this.#context;
    const subject = this.#subject(room, session);
    const seq = await store.put(subject, { body: JSON.stringify(place) }, last);
    if (seq === null) return false;
    // Nobody needs to know for ever that somebody was here. What fails is made good by `removeOthers`.
    if (!place.member) store.purge(subject, seq + 1).catch(() => {});
    return true;
  }

  /** The copy of a room, once it has everything that was stored before now. */
  async #current(room: string): Promise<RoomMembers> {
    const { store } = this.#context;
    const last = await store.last(store.subject(`${tokenOf(room)}.*`));
    const deadlineMs = systemClock.elapsed() + liveMs;
    while (systemClock.elapsed() < deadlineMs) {
      const loaded = this.#loaded.get(room);
      if (loaded && loaded.seq >= (last?.seq ?? 0)) return loaded;
      await new Promise<void>((resolve) => void systemClock.setTimer(1, resolve));
    }
    return this.#read(room);
  }

  async #read(room: string): Promise<RoomMembers> {
    const { store } = this.#context;
    const subject = store.subject(`${tokenOf(room)}.*`);
    // Most rooms that are asked about for the first time are empty, and a scan costs the server more.
    const isEmpty = (await store.last(subject)) === null;
    return new RoomMembers(isEmpty ? [] : await store.scan({ subject }));
  }

  async #inTurn(key: string, task: () => Promise<void>): Promise<void> {
    const before = this.#writes.get(key);
    const turn = before ? before.then(task, task) : task();
    this.#writes.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#writes.get(key) === turn) this.#writes.delete(key);
    }
  }

  #subject(room: string, session: string): string {
    return this.#context.store.subject(`${tokenOf(room)}.${tokenOf(session)}`);
  }
}

function keyOf(room: string, session: string): string {
  return JSON.stringify([room, session]);
}

function goneFrom({ generation, node }: Place): Place {
  return { member: null, generation, node };
}

async function inGroups<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += writesMax)
    await Promise.all(items.slice(start, start + writesMax).map(task));
}
