import { ok } from "node:assert/strict";
import type { BrokerSink, ClusterSettings, LogEntry, PresenceChange } from "../../server/broker.ts";

/** An entry as a sink was given it. */
export interface HeardEntry extends LogEntry {
  readonly epoch: string;
}

/** What one node's broker said, for looking at. Repeats, which a broker may make, are left out. */
export class Heard {
  /** Generations by session. */
  readonly opened: Map<string, number[]> = new Map();
  readonly told: string[] = [];
  /** Messages of outages, null for their ends. */
  readonly outages: (string | null)[] = [];
  /** Messages of what was passed over. */
  readonly faults: string[] = [];
  /** Settings of this node and of those that were there before. */
  readonly settings: {
    readonly own: ClusterSettings;
    readonly others: ReadonlyMap<string, ClusterSettings>;
  }[] = [];
  /** Sessions that have a connection, for the broker. */
  readonly connected: Set<string> = new Set();
  readonly #entries = new Map<string, HeardEntry[]>();
  readonly #signals = new Map<string, { key: string; data: string }[]>();
  readonly #presence = new Map<string, PresenceChange[]>();
  readonly #holes = new Map<string, number>();
  readonly #followers = new Map<string, Set<() => void>>();

  readonly sink: BrokerSink = {
    receiveEntry: (room, epoch, entry) => {
      add(this.#entries, room, { epoch, offset: entry.offset, data: entry.data });
      this.#wake(room);
    },
    receiveSignal: (room, key, data) => add(this.#signals, room, { key, data }),
    receivePresence: (room, change) => add(this.#presence, room, change),
    receiveOpened: (session, generation) => add(this.opened, session, generation),
    receiveHole: (room) => {
      this.#holes.set(room, this.holes(room) + 1);
      this.#wake(room);
    },
    receiveTold: (message) => void this.told.push(message),
    receiveOutage: (reason) => void this.outages.push(reason && reason.message),
    receiveFault: (error) => void this.faults.push(error.message),
    receiveSettings: (own, others) => void this.settings.push({ own, others }),
    isConnected: (session) => this.connected.has(session),
  };

  /** Entries of a room in the order they came; fails when that was not a rising one. */
  entries(room: string): HeardEntry[] {
    const kept: HeardEntry[] = [];
    for (const entry of this.#entries.get(room) ?? []) {
      const last = kept.at(-1);
      if (last?.epoch === entry.epoch) {
        const { offset } = entry;
        ok(offset >= last.offset, `receiveEntry was called for ${offset} after ${last.offset} of ${room}`);
        if (offset === last.offset) continue;
      }
      kept.push(entry);
    }
    return kept;
  }

  data(room: string): string[] {
    return this.entries(room).map(({ data }) => data);
  }

  signals(room: string): readonly { readonly key: string; readonly data: string }[] {
    return this.#signals.get(room) ?? [];
  }

  /** Changes of who is present in a room, in the order they came. */
  presence(room: string): PresenceChange[] {
    const changes = this.#presence.get(room) ?? [];
    return changes.filter((change, index) => JSON.stringify(change) !== JSON.stringify(changes[index - 1]));
  }

  /** How often the room was said to have a hole. */
  holes(room: string): number {
    return this.#holes.get(room) ?? 0;
  }

  /** Calls back whenever something of the room's log comes. */
  follow(room: string, task: () => void): void {
    const followers = this.#followers.get(room) ?? new Set();
    this.#followers.set(room, followers.add(task));
  }

  #wake(room: string): void {
    for (const task of this.#followers.get(room) ?? []) task();
  }
}

function add<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
