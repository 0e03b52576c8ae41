import { systemClock, type Undo } from "../../base/clock.ts";
import type { Member, Position } from "../../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  Broker,
  BrokerSink,
  ClusterSettings,
  LogBound,
  LogPage,
  LogState,
  Members,
  Origin,
  RequestClaim,
  SessionClaim,
  SessionOpening,
} from "../../server/broker.ts";
import { Damage } from "./damage.ts";
import { Keys } from "./keys.ts";
import { Lease } from "./lease.ts";
import { Logs, roomTtlMs } from "./log.ts";
import { openedMessage, readControlMessage, toldMessage } from "./messages.ts";
import { readSettings } from "./node-settings.ts";
import type { Settings } from "./options.ts";
import { Presence } from "./presence.ts";
import { Sessions } from "./sessions.ts";
import type { Shard } from "./shard.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Topology } from "./topology.ts";

/** Rooms that are used are told to Redis this often: they would be forgotten otherwise, however long it takes. */
const touchMs = roomTtlMs / 4;

/** What there is once a node has been given. */
interface Parts {
  readonly sink: BrokerSink;
  readonly node: string;
  /** With the broker's own. */
  readonly settings: ClusterSettings;
  readonly subscriptions: Subscriptions;
  readonly lease: Lease;
}

/** Puts the parts together; what each is about is said there. */
export class RedisBroker implements Broker {
  readonly name = "redis";
  readonly #settings: Settings;
  readonly #keys: Keys;
  readonly #topology: Topology;
  readonly #sessions: Sessions;
  readonly #logs: Logs;
  readonly #presence: Presence;
  readonly #damage = new Damage((error) => this.#parts?.sink.receiveFault(error));
  /** Why each server that is out of reach is. */
  readonly #outages = new Map<Shard, Error>();
  #parts: Parts | null = null;
  #ready = false;
  #missedOpenings = false;
  #stopTouch: Undo | null = null;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keys = new Keys(settings.prefix);
    this.#topology = new Topology({
      settings,
      keys: this.#keys,
      node: () => this.#running().node,
      nodeSettings: () => this.#running().settings,
      receive: (channel, message) => this.#receive(channel, message),
      receiveHole: (channels) => this.#receiveHole(channels),
      receiveOutage: (shard, reason) => this.#receiveOutage(shard, reason),
      receiveLoss: () => this.#receiveLoss(),
      receiveShift: () => this.#receiveShift(),
    });
    this.#sessions = new Sessions(this.#topology, this.#keys, settings.sessionTtlMs);
    this.#logs = new Logs(this.#topology, this.#keys, this.#sessions, this.#damage);
    this.#presence = new Presence(this.#topology, this.#keys, this.#damage);
  }

  async start(sink: BrokerSink, node: string, settings: ClusterSettings = {}): Promise<void> {
    if (this.#parts) throw new Error("this redis broker has a node already: one broker serves one server");
    const subscriptions = new Subscriptions({
      topology: this.#topology,
      keys: this.#keys,
      logs: this.#logs,
      sink,
      damage: this.#damage,
    });
    const lease = new Lease({
      topology: this.#topology,
      keys: this.#keys,
      node,
      leaseMs: this.#settings.leaseMs,
      take: (owner) => this.#presence.take(owner),
      evict: (owner) => this.#presence.evict(owner),
      mend: () => this.#presence.mend(),
      beat: () => this.#check(),
    });
    const own = { ...settings, sessionTtlMs: String(this.#settings.sessionTtlMs) };
    this.#parts = { sink, node, settings: own, subscriptions, lease };
    try {
      await this.#topology.start();
    } catch (error) {
      // So that it may be started again.
      this.#parts = null;
      throw error;
    }
    try {
      for (const channel of this.#controls) await this.#topology.shardOf(channel).subscribe(channel);
      await lease.start();
      sink.receiveSettings(own, await this.#settingsOfOthers());
    } catch (error) {
      await this.#topology.leave();
      this.#parts = null;
      this.#topology.stop();
      throw this.#topology.startError(error as Error);
    }
    this.#ready = true;
    this.#topology.warn();
    this.#touchLater();
  }

  async stop(): Promise<void> {
    this.#ready = false;
    this.#stopTouch?.();
    // Whatever can't be given back runs out.
    await this.#parts?.lease.stop().catch(ignore);
    if (this.#parts) await this.#topology.leave();
    this.#topology.stop();
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#logs.append(request);
  }

  find(room: string, origin: Origin): Promise<Position | null> {
    return this.#logs.find(room, origin);
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#logs.read(room, after, limit);
  }

  subscribe(room: string, bound: LogBound): Promise<LogState> {
    return this.#running().subscriptions.subscribe(room, bound);
  }

  unsubscribe(room: string): Promise<void> {
    return this.#running().subscriptions.unsubscribe(room);
  }

  signal(room: string, key: string, data: string): void {
    this.#running().subscriptions.signal(room, key, data);
  }

  async openSession(claim: SessionClaim): Promise<SessionOpening> {
    const opening = await this.#sessions.open(claim);
    if (opening.outcome === "opened") this.#publish(null, openedMessage(claim.session, claim.generation));
    return opening;
  }

  renewSessions(sessions: readonly string[]): void {
    this.#sessions.renew(sessions);
  }

  claimRequest(origin: Origin): Promise<RequestClaim> {
    return this.#sessions.claim(origin);
  }

  answerRequest(origin: Origin, answer: string): Promise<void> {
    return this.#sessions.answer(origin, answer);
  }

  enter(room: string, member: Member, generation: number): Promise<void> {
    return this.#presence.enter(room, member, generation);
  }

  exit(room: string, session: string, generation: number): Promise<void> {
    return this.#presence.exit(room, session, generation);
  }

  members(room: string, limit: number): Promise<Members> {
    return this.#presence.members(room, limit);
  }

  tell(node: string | null, message: string): void {
    this.#publish(node, toldMessage(message));
  }

  nodes(): Promise<readonly string[]> {
    return this.#running().lease.nodes();
  }

  async #settingsOfOthers(): Promise<Map<string, ClusterSettings>> {
    const { node } = this.#running();
    const others = (await this.nodes()).filter((it) => it !== node);
    return readSettings(this.#topology.shardOf(this.#keys.leases), others);
  }

  #running(): Parts {
    if (!this.#parts) throw new Error("the broker was not started");
    return this.#parts;
  }

  /** The channels on which nodes hear of one another: everybody's, and the node's own. */
  get #controls(): string[] {
    return [this.#keys.control(null), this.#keys.control(this.#running().node)];
  }

  #publish(node: string | null, message: string): void {
    const channel = this.#keys.control(node);
    this.#topology.shardOf(channel).publish(channel, message);
  }

  #receive(channel: string, message: string): void {
    const { sink, subscriptions } = this.#running();
    if (!this.#controls.includes(channel)) return subscriptions.receive(channel, message);
    const it = readControlMessage(message);
    if (it?.kind === "told") sink.receiveTold(it.text);
    else if (it?.kind === "opened") sink.receiveOpened(it.session, it.generation);
    else this.#damage.report(channel, "what was published there is no message of this system");
  }

  #receiveHole(channels: readonly string[]): void {
    this.#running().subscriptions.receiveHole(channels);
    this.#missedOpenings ||= channels.includes(this.#keys.control(null));
    this.#askForOpenings().catch(ignore);
  }

  /** Word of sessions that were opened elsewhere may have been lost: their records tell. */
  async #askForOpenings(): Promise<void> {
    if (!this.#missedOpenings) return;
    const { sink } = this.#running();
    await this.#sessions.generations((session, generation) => sink.receiveOpened(session, generation));
    this.#missedOpenings = false;
  }

  #receiveOutage(shard: Shard, reason: Error | null): void {
    const had = this.#outages.size > 0;
    if (reason) this.#outages.set(shard, reason);
    else this.#outages.delete(shard);
    if (!this.#ready) return;
    const has = this.#outages.size > 0;
    if (!had && reason) this.#parts?.sink.receiveOutage(reason);
    if (had && !has) this.#parts?.sink.receiveOutage(null);
    if (reason) return;
    // The lease may have run out meanwhile.
    this.#parts?.lease.renew().catch(ignore);
    this.#askForOpenings().catch(ignore);
  }

  /** Some data set is another one: nothing that was in it counts, and nothing of this will be published. */
  #receiveLoss(): void {
    if (!this.#ready) return;
    this.#parts?.subscriptions.receiveHoles();
    this.#parts?.lease.retake().catch(ignore);
  }

  #receiveShift(): void {
    if (!this.#ready) return;
    for (const channel of this.#controls) this.#topology.shardOf(channel).subscribeLater(channel);
    this.#parts?.subscriptions.move();
  }

  /** Looks after what shows in no call: an emptied server, a slot that has moved, sessions that are over. */
  #check(): void {
    this.#sessions.sweep();
    this.#topology.refresh().catch(ignore);
    for (const shard of this.#topology.shards) shard.check().catch(ignore);
  }

  #touchLater(): void {
    this.#stopTouch = systemClock.setTimer(touchMs, () => {
      this.#touch().catch(ignore);
      this.#touchLater();
    });
  }

  async #touch(): Promise<void> {
    for (const room of this.#running().subscriptions.rooms) await this.#logs.touch(room);
    await this.#presence.touch();
  }
}

function ignore(): void {}
