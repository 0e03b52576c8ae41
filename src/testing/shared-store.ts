import type { Undo } from "../base/clock.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  LogBound,
  LogPage,
  LogState,
  Members,
  Origin,
  PresenceChange,
} from "../server/broker.ts";
import type { History } from "./history.ts";
import { stateOf, trim, type Room, type Subscriber } from "./shared-room.ts";
import { SharedSessions, type SavedLedgers } from "./shared-sessions.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Timeline } from "./timeline.ts";

/** Options of a {@link SharedStore}. */
export interface StoreOptions {
  readonly sessionTtlMs: number;
  /** Whether what comes back counts as the same data set; told whether it should. Default: then it does. */
  readonly vouches?: ((isSame: boolean) => boolean) | undefined;
}

/** What is on a store's disk. */
export interface SavedData {
  readonly logs: ReadonlyMap<string, Pick<Room, "epoch" | "base" | "entries" | "bound">>;
  readonly ledgers: SavedLedgers;
  /** Nodes that used it and had not left. */
  readonly users: ReadonlySet<string>;
  /** How much had been written until then. */
  readonly writes: number;
}

/**
 * What a cluster shares, as one server of the kind of Redis would hold it: every call is one atomic step; what is
 * published reaches those that are subscribed at that moment, and nobody else. Written apart from the memory broker, so
 * that the two can be held against each other.
 */
export class SharedStore {
  readonly sessions: SharedSessions;
  /** Those that have a connection to it, by their id. */
  readonly nodes: Map<string, Subscriber> = new Map();
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #history: History;
  readonly #vouches: (isSame: boolean) => boolean;
  #rooms = new Map<string, Room>();
  /** The nodes that have used it and not left in order, by their id. */
  #users = new Set<string>();
  #writes = 0;

  constructor(
    timeline: Timeline,
    random: SeededRandom,
    history: History,
    { sessionTtlMs, vouches = (isSame) => isSame }: StoreOptions,
  ) {
    this.#vouches = vouches;
    this.#timeline = timeline;
    this.#random = random;
    this.#history = history;
    this.sessions = new SharedSessions({
      nowMs: () => timeline.nowMs,
      ttlMs: sessionTtlMs,
      ledger: () => random.id(8),
      lost: (session, isHarm) => history.add({ type: "ledgers-lost", session, isHarm }),
    });
  }

  append({ room: name, data, bound, origin, ifAt }: AppendRequest): AppendResult {
    const room = this.#room(name);
    if (origin) {
      if (!this.sessions.isKnown(origin)) return { outcome: "unknown-session" };
      const position = this.sessions.published(origin, name);
      if (position) return { outcome: "repeated", position };
      if (this.sessions.isOvertaken(origin, name)) return { outcome: "out-of-order" };
    }
    const end: Position = { offset: room.base + room.entries.length, epoch: room.epoch };
    if (ifAt && (ifAt.offset !== end.offset || ifAt.epoch !== end.epoch))
      return { outcome: "conflict", position: end };
    this.#writes += 1;
    room.entries.push({ data, atMs: this.#timeline.nowMs });
    room.bound = bound;
    const position: Position = { offset: room.base + room.entries.length, epoch: room.epoch };
    trim(room, this.#timeline.nowMs);
    if (origin) this.sessions.notePublished(origin, name, position);
    this.#history.add({ type: "appended", room: name, position, data });
    for (const node of room.subscribers) node.entry(name, room.epoch, position.offset, data);
    return { outcome: "stored", position };
  }

  find(room: string, origin: Origin): Position | null {
    return this.sessions.published(origin, room);
  }

  read(name: string, after: number, limit: number): LogPage {
    const room = this.#room(name);
    trim(room, this.#timeline.nowMs);
    const start = after - room.base;
    const kept = start < 0 ? [] : room.entries.slice(start, start + limit);
    const entries = kept.map(({ data }, index) => ({ offset: after + index + 1, data }));
    return { ...stateOf(room), entries };
  }

  subscribe(name: string, bound: LogBound, node: Subscriber): LogState {
    const room = this.#room(name);
    room.bound = bound;
    room.subscribers.add(node);
    trim(room, this.#timeline.nowMs);
    return stateOf(room);
  }

  unsubscribe(name: string, node: Subscriber): void {
    this.#rooms.get(name)?.subscribers.delete(node);
  }

  /** Rooms a node is subscribed to. */
  subscriptionsOf(node: Subscriber): string[] {
    return [...this.#rooms].filter(([, { subscribers }]) => subscribers.has(node)).map(([name]) => name);
  }

  signal(name: string, key: string, data: string): void {
    for (const node of this.#room(name).subscribers) node.signal(name, key, data);
  }

  /** An older generation than the one that is there changes nothing. */
  enter(name: string, member: Member, generation: number, node: string): void {
    const room = this.#room(name);
    const held = room.members.get(member.session);
    if (held && held.generation > generation) return;
    room.members.set(member.session, { member, generation, node });
    this.#tell(room, name, { set: member, count: room.members.size });
  }

  exit(name: string, session: string, generation: number): void {
    const room = this.#room(name);
    const held = room.members.get(session);
    if (!held || held.generation > generation) return;
    room.members.delete(session);
    this.#tell(room, name, { gone: session, count: room.members.size });
  }

  members(name: string, limit: number): Members {
    const { members } = this.#room(name);
    const list = members.size <= limit ? Array.from(members.values(), ({ member }) => member) : [];
    return { count: members.size, list };
  }

  /** Whether some node has used it and not left in order. */
  get isUsed(): boolean {
    return this.#users.size > 0;
  }

  /** A node begins to use it. */
  join(node: string, subscriber: Subscriber): void {
    this.nodes.set(node, subscriber);
    this.#users.add(node);
  }

  /** A node has made its last write. */
  leave(node: string): void {
    this.#users.delete(node);
  }

  /** What is on its disk once everything up to now is. */
  save(): SavedData {
    const logs = new Map(
      Array.from(this.#rooms, ([name, { epoch, base, entries, bound }]) => [
        name,
        { epoch, base, bound, entries: [...entries] },
      ]),
    );
    const ledgers = this.sessions.save();
    return { logs, ledgers, users: new Set(this.#users), writes: this.#writes + ledgers.writes };
  }

  /**
   * Dies, and starts from what a disk held. That is the same data set if somebody vouches for it: all that used it have
   * left in order, or a node lives and misses nothing. Otherwise all of it begins anew, under other names.
   */
  restart(saved: SavedData): void {
    const isWhole = saved.writes === this.#writes + this.sessions.writes;
    const isSame = saved.users.size === 0 || (isWhole && this.nodes.size > 0);
    for (const node of this.nodes.values()) node.restarted();
    if (!this.#vouches(isSame)) this.wipe({ isHarm: !isSame });
    else if (!isWhole) this.#putBack(saved);
  }

  #putBack({ logs, ledgers }: SavedData): void {
    this.sessions.putBack(ledgers);
    const former = this.#rooms;
    this.#rooms = new Map();
    for (const [name, log] of logs) {
      const members: Room["members"] = new Map();
      this.#rooms.set(name, { ...log, entries: [...log.entries], members, subscribers: new Set() });
    }
    for (const [name, { subscribers }] of former)
      for (const node of subscribers) this.#room(name).subscribers.add(node);
    for (const node of this.nodes.values()) node.wiped();
  }

  /** A node stops: its members go with it, unless they have entered elsewhere. */
  nodeStopped(node: string): void {
    for (const [name, room] of this.#rooms)
      for (const [session, held] of room.members)
        if (held.node === node) this.exit(name, session, held.generation);
  }

  /** A node is gone without having said so: its members go after a while, unless they have entered elsewhere. */
  nodeDied(node: string, leaseMs: number): Undo {
    return this.#timeline.after(leaseMs, () => this.nodeStopped(node));
  }

  /** Everything is lost; what is subscribed stays so. `isHarm`: by what was done to the store, and so to be expected. */
  wipe({ isHarm = true }: { readonly isHarm?: boolean } = {}): void {
    const former = this.#rooms;
    this.#rooms = new Map();
    this.sessions.wipe(isHarm);
    this.#users = new Set(this.nodes.keys());
    for (const [name, { subscribers }] of former) {
      const room = this.#room(name);
      for (const node of subscribers) room.subscribers.add(node);
    }
    for (const node of this.nodes.values()) node.wiped();
  }

  /** The log of one room, or the ledgers of one session, are gone; the rest is as it was. */
  losePart(random: SeededRandom): void {
    const rooms = this.roomNames();
    const sessions = this.sessions.names();
    if (sessions.length > 0 && random.chance(0.5)) this.sessions.lose(random.pick(sessions));
    else if (rooms.length > 0) this.#loseLog(random.pick(rooms));
  }

  #loseLog(name: string): void {
    const { epoch, subscribers } = this.#room(name);
    this.#history.add({ type: "log-lost", room: name, epoch });
    this.#rooms.delete(name);
    const room = this.#room(name);
    for (const node of subscribers) {
      room.subscribers.add(node);
      node.hole(name);
    }
    for (const node of this.nodes.values()) node.wiped();
  }

  roomNames(): string[] {
    return [...this.#rooms.keys()];
  }

  #room(name: string): Room {
    let room = this.#rooms.get(name);
    if (!room) {
      room = {
        epoch: this.#random.id(8),
        base: 0,
        entries: [],
        bound: { count: Infinity, ageMs: Infinity, bytes: Infinity },
        members: new Map(),
        subscribers: new Set(),
      };
      this.#rooms.set(name, room);
    }
    return room;
  }

  #tell(room: Room, name: string, change: PresenceChange): void {
    for (const node of room.subscribers) node.presence(name, change);
  }
}
