import { systemClock, type Undo } from "../../base/clock.ts";
import type { ClusterSettings } from "../../server/broker.ts";
import { settingsIn } from "../settings-text.ts";
import type { Link } from "./link.ts";
import type { Presence } from "./presence.ts";
import type { Store } from "./store.ts";
import { nameOf, tokenOf } from "./subjects.ts";

/** After so many leases members of nodes that are gone are looked for again: one may have gone unseen, if its was deleted. */
const sweepLeases = 4;

/** What {@link Leases} needs of the broker. */
export interface LeasesContext {
  readonly store: Store;
  readonly link: Link;
  readonly node: string;
  readonly leaseMs: number;
  readonly settings: ClusterSettings;
}

/**
 * Which nodes are alive: each stores a message again and again, in a stream that forgets what is as old as the lease.
 * The first of them by name takes away the members of those that are gone.
 */
export class Leases {
  readonly #store: Store;
  readonly #link: Link;
  readonly #node: string;
  readonly #leaseMs: number;
  /** What others are told of this node as long as it lives: its settings, as JSON. */
  readonly #body: string;
  /** When the newest lease was asked for. */
  #leasedMs = -Infinity;
  #incarnation = "";
  /** Whether this node was without a lease since it last looked after its members. */
  #hasLapsed = false;
  /** Since when this node has seen all others that live: they too need a while to come back after an outage. */
  #sinceMs = 0;
  /** Who was alive at the last beat. */
  #names = "";
  /** Whose members were looked for last. */
  #swept = "";
  #sweptMs = 0;
  #stopTimer: Undo = () => {};
  #stopped = false;

  constructor({ store, link, node, leaseMs, settings }: LeasesContext) {
    this.#store = store;
    this.#link = link;
    this.#node = node;
    this.#leaseMs = leaseMs;
    this.#body = JSON.stringify(settings);
  }

  /** Renews the lease from here on, and looks after the others'; does something else, too, at every beat. */
  begin(presence: Presence, everyBeat: () => Promise<void>): void {
    this.#sinceMs ||= systemClock.elapsed();
    this.#stopTimer = systemClock.setTimer(this.#leaseMs / 3, () => {
      // What fails is done at the next beat.
      Promise.allSettled([this.#beat(presence), everyBeat()])
        .then(() => {
          if (!this.#stopped) this.begin(presence, everyBeat);
        })
        .catch(() => {});
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer();
    if (this.#link.isUp) await this.#store.purge(this.#subject()).catch(() => {});
  }

  /** The service was away, and others may still be; with what it kept, where it kept it. */
  receiveReturn(isWhole: boolean): void {
    this.#sinceMs = systemClock.elapsed();
    this.#swept = "";
    if (!isWhole) this.#hasLapsed = true;
  }

  /** Makes sure that there is a lease. */
  async hold(): Promise<void> {
    const isHeld =
      systemClock.elapsed() - this.#leasedMs < this.#leaseMs && this.#incarnation === this.#store.incarnation;
    if (isHeld) return;
    this.#hasLapsed = true;
    await this.#renew();
  }

  async nodes(): Promise<string[]> {
    return [...new Set((await this.#all()).keys()).add(this.#node)].sort();
  }

  /** The settings of the other nodes that live. */
  async settingsOfOthers(): Promise<Map<string, ClusterSettings>> {
    const found = new Map<string, ClusterSettings>();
    for (const [node, body] of await this.#all()) {
      const settings = settingsIn(body);
      if (settings && node !== this.#node) found.set(node, settings);
    }
    return found;
  }

  /** What each lease says, by node. */
  async #all(): Promise<Map<string, string>> {
    const leases = await this.#store.scan({ subject: this.#store.subject("*") });
    return new Map(leases.map(({ subject, body }) => [nameOf(subject.split(".")[3] as string), body]));
  }

  async #beat(presence: Presence): Promise<void> {
    await this.hold();
    // Somebody may have deleted it, and others have taken that for this node's end.
    if ((await this.#store.last(this.#subject())) === null) this.#hasLapsed = true;
    await this.#renew();
    if (!this.#hasLapsed) {
      await presence.mend();
    } else {
      // The members of a node without a lease may be gone.
      this.#hasLapsed = false;
      await presence.reenter().catch((error: unknown) => {
        this.#hasLapsed = true;
        throw error;
      });
    }
    await this.#sweep(presence);
  }

  async #sweep(presence: Presence): Promise<void> {
    const nodes = await this.nodes();
    const names = nodes.join(" ");
    const isSettled = systemClock.elapsed() - this.#sinceMs > this.#leaseMs;
    // Seen twice: who is only without a lease takes one at the next beat.
    const isSame = names === this.#names;
    this.#names = names;
    const isRecent = systemClock.elapsed() - this.#sweptMs < sweepLeases * this.#leaseMs;
    if (nodes[0] !== this.#node || (names === this.#swept && isRecent) || !isSettled || !isSame) return;
    await presence.removeOthers(new Set(nodes));
    this.#swept = names;
    this.#sweptMs = systemClock.elapsed();
  }

  async #renew(): Promise<void> {
    const { incarnation } = this.#store;
    const startedMs = systemClock.elapsed();
    await this.#store.write(this.#subject(), { body: this.#body });
    this.#leasedMs = startedMs;
    this.#incarnation = incarnation;
  }

  #subject(): string {
    return this.#store.subject(tokenOf(this.#node));
  }
}
