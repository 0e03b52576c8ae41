import { equal, ok } from "node:assert/strict";
import type { CaseNode } from "../../../src/testing/conformance/scene.ts";
import type { Model } from "./model.ts";

interface Subscription {
  readonly room: string;
  /** Entries after this one, of this epoch, have to come. */
  epoch: string | null;
  after: number;
  /** Whether a hole may have to be told instead, and how many were told before. */
  holesBefore: number | null;
  isOver: boolean;
}

/** Looks after what nodes are told of the rooms they are subscribed to. */
export class Deliveries {
  /** Every signal that was sent: room and text. */
  readonly signals: Set<string> = new Set();
  readonly #model: Model;
  readonly #subscriptions = new Map<CaseNode, Map<string, Subscription>>();

  constructor(model: Model) {
    this.#model = model;
  }

  subscribed(node: CaseNode, room: string): void {
    const { epoch, head } = this.#model.room(room);
    const subscriptions = this.#subscriptions.get(node) ?? new Map<string, Subscription>();
    this.#subscriptions.set(node, subscriptions);
    const before = subscriptions.get(room);
    if (before && !before.isOver) return;
    subscriptions.set(room, { room, epoch, after: head, holesBefore: null, isOver: false });
  }

  unsubscribed(node: CaseNode, room: string): void {
    const subscription = this.#subscriptions.get(node)?.get(room);
    if (subscription) subscription.isOver = true;
  }

  /** The service was away: what was told meanwhile may be missing, if that is told. */
  interrupted(): void {
    for (const [{ heard }, subscriptions] of this.#subscriptions)
      for (const it of subscriptions.values())
        it.holesBefore ??= heard.holes(it.room) === 0 ? 0 : heard.holes(it.room) - 1;
  }

  /** Whether everything has come that has to. */
  isComplete(node: CaseNode): boolean {
    for (const it of this.#subscriptions.get(node)?.values() ?? []) {
      if (it.isOver) continue;
      const { epoch, head } = this.#model.room(it.room);
      const isInterrupted = it.holesBefore !== null && node.heard.holes(it.room) > it.holesBefore;
      const last = node.heard.entries(it.room).findLast((entry) => entry.epoch === epoch);
      const from = epoch === it.epoch ? it.after : 0;
      const hasCome = head <= from || last?.offset === head;
      if (!hasCome && !isInterrupted) return false;
      it.epoch = epoch;
      it.after = head;
      it.holesBefore = null;
    }
    return true;
  }

  /** Fails where something was told that was never stored so, or a signal that nobody sent. */
  check({ id, heard }: CaseNode): void {
    for (const [room, past] of this.#model.past)
      for (const { epoch, offset, data } of heard.entries(room)) {
        const entries = past.get(epoch);
        ok(entries, `${id} was given an entry of ${room} in the epoch ${epoch}, which it never had`);
        equal(data, entries.get(offset), `${id} was given another entry at ${offset} of ${room}`);
      }
    for (const room of this.#model.past.keys())
      for (const { data } of heard.signals(room))
        ok(
          this.signals.has(data) && data.startsWith(room),
          `${id} was given a signal in ${room} that was not sent there`,
        );
  }
}
