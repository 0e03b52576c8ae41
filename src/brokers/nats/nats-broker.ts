import type { Msg } from "@nats-io/transport-node";
import type { Undo } from "../../base/clock.ts";
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
import type { Link } from "./link.ts";
import type { NatsSettings } from "./options.ts";
import { openParts, type Parts } from "./parts.ts";
import { RoomLog } from "./room-log.ts";
import { storedOf, type Stored } from "./stored.ts";
import { nameOf, tokenOf } from "./subjects.ts";

/** Logs that this node knows and is not subscribed to are given up beyond this many, the longest unused first. */
const logsMax = 10_000;

/** One node's broker on NATS: what happens to each call, and to what comes in. */
export class NatsBroker implements Broker {
  readonly name = "nats";
  readonly #settings: NatsSettings;
  readonly #logs = new Map<string, RoomLog>();
  readonly #subscriptions = new Map<string, Undo>();
  #parts: Parts | null = null;
  #sink: BrokerSink | null = null;

  constructor(settings: NatsSettings) {
    this.#settings = settings;
  }

  async start(sink: BrokerSink, node: string, settings: ClusterSettings = {}): Promise<void> {
    if (this.#sink) throw new Error("this NATS broker has a node already: one broker serves one server");
    this.#sink = sink;
    const own = { ...settings, sessionTtlMs: String(this.#settings.sessionTtlMs) };
    try {
      this.#parts = await openParts(this.#settings, node, {
        settings: own,
        listen: (link) => this.#listen(link, sink, node),
        receivePresence: (room, change) => sink.receivePresence(room, change),
        receiveOutage: (reason) => this.#receiveOutage(reason),
      });
    } catch (error) {
      // So that it may be started again.
      this.#sink = null;
      throw error;
    }
    // What can't be read now is no reason not to start: an outage is told by itself.
    const others = await this.#parts.leases.settingsOfOthers().catch(() => null);
    if (others) sink.receiveSettings(own, others);
  }

  async stop(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe();
    this.#subscriptions.clear();
    if (parts.link.isUp) await parts.presence.removeOwn().catch(() => {});
    await parts.leases.stop();
    if (parts.link.isUp) await this.#leave(parts).catch(() => {});
    await parts.link.close();
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#log(request.room).append(request);
  }

  find(room: string, origin: Origin): Promise<Position | null> {
    return this.#log(room).find(origin);
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#log(room).read(after, limit);
  }

  async subscribe(room: string, bound: LogBound): Promise<LogState> {
    const { link, presence } = this.#started();
    // Before anything is read: what is stored from now on comes live.
    if (!this.#subscriptions.has(room))
      this.#subscriptions.set(
        room,
        link.subscribe(this.#live(room, ">"), (it) => this.#receive(it)),
      );
    const [state] = await Promise.all([this.#log(room).subscribe(bound), presence.subscribe(room)]);
    return state;
  }

  async unsubscribe(room: string): Promise<void> {
    this.#subscriptions.get(room)?.();
    this.#subscriptions.delete(room);
    this.#started().presence.unsubscribe(room);
  }

  signal(room: string, key: string, data: string): void {
    this.#started().link.publish(this.#live(room, "signal"), JSON.stringify([key, data]));
  }

  async openSession(claim: SessionClaim): Promise<SessionOpening> {
    const { sessions, link } = this.#started();
    const opening = await sessions.open(claim);
    const { session, generation } = claim;
    if (opening.outcome === "opened")
      link.publish(this.#subject("opened"), JSON.stringify([session, generation]));
    return opening;
  }

  renewSessions(sessions: readonly string[]): void {
    this.#started().sessions.renew(sessions);
  }

  async claimRequest(origin: Origin): Promise<RequestClaim> {
    return this.#started().sessions.claimRequest(origin);
  }

  async answerRequest(origin: Origin, answer: string): Promise<void> {
    await this.#started().sessions.answerRequest(origin, answer);
  }

  async enter(room: string, member: Member, generation: number): Promise<void> {
    await this.#started().presence.enter(room, member, generation);
  }

  async exit(room: string, session: string, generation: number): Promise<void> {
    await this.#started().presence.exit(room, session, generation);
  }

  async members(room: string, limit: number): Promise<Members> {
    return this.#started().presence.members(room, limit);
  }

  tell(node: string | null, message: string): void {
    const to = node === null ? "all" : `node.${tokenOf(node)}`;
    this.#started().link.publish(this.#subject(`told.${to}`), message);
  }

  async nodes(): Promise<readonly string[]> {
    return this.#started().leases.nodes();
  }

  /** Once nothing of this node is under way any more. */
  async #leave(parts: Parts): Promise<void> {
    await Promise.all([parts.sessions.settled(), ...Array.from(this.#logs.values(), (log) => log.settled())]);
    await parts.leave();
  }

  /** Listens to what is of no room; rejects when this node may not, or not to those of rooms. */
  async #listen(link: Link, sink: BrokerSink, node: string): Promise<void> {
    link.subscribe(this.#subject("opened"), (message) => {
      const [session, generation] = message.json<[string, number]>();
      sink.receiveOpened(session, generation);
    });
    for (const to of ["all", `node.${tokenOf(node)}`])
      link.subscribe(this.#subject(`told.${to}`), (message) => sink.receiveTold(message.string()));
    const unsubscribe = link.subscribe(this.#live("any", ">"), () => {});
    await link.hear();
    unsubscribe();
  }

  #receiveOutage(reason: Error | null): void {
    this.#sink?.receiveOutage(reason);
    if (reason) return;
    const { link, presence } = this.#started();
    for (const room of this.#subscriptions.keys()) {
      // Without its members a room would stay deaf to changes: all is read again, then.
      presence.subscribe(room).catch(() => link.lose("members can't be read"));
      this.#sink?.receiveHole(room);
    }
  }

  /** What comes live of a subscribed room: `prefix.live.room.kind`. */
  #receive(message: Msg): void {
    const [, , token = "", kind] = message.subject.split(".");
    const room = nameOf(token);
    if (!this.#subscriptions.has(room)) return;
    if (kind === "signal") {
      const [key, data] = message.json<[string, string]>();
      this.#sink?.receiveSignal(room, key, data);
      return;
    }
    const stored = republished(message);
    if (kind === "presence") this.#parts?.presence.receive(room, stored);
    if (kind === "log") this.#receiveLog(room, stored);
  }

  #receiveLog(room: string, stored: Stored): void {
    const live = this.#log(room).receive(stored);
    if (!live) return;
    for (const entry of live.entries) this.#sink?.receiveEntry(room, live.epoch, entry);
  }

  #log(room: string): RoomLog {
    const log = this.#logs.get(room) ?? new RoomLog(this.#started().logContext, room);
    this.#logs.delete(room);
    this.#logs.set(room, log);
    if (this.#logs.size > logsMax + this.#subscriptions.size) this.#evictLogs();
    return log;
  }

  #evictLogs(): void {
    let left = logsMax / 10;
    for (const [room, log] of this.#logs) {
      if (this.#subscriptions.has(room) || !log.idle) continue;
      this.#logs.delete(room);
      left -= 1;
      if (left <= 0) return;
    }
  }

  #live(room: string, kind: string): string {
    return this.#subject(`live.${tokenOf(room)}.${kind}`);
  }

  #subject(name: string): string {
    return `${this.#settings.prefix}.${name}`;
  }

  #started(): Parts {
    if (!this.#parts) throw new Error("this NATS broker was not started");
    return this.#parts;
  }
}

/** A message that its stream published again: where it is in there stands in the headers. */
function republished(message: Msg): Stored {
  const { headers } = message;
  const seq = Number(headers?.get("Nats-Sequence"));
  return storedOf(headers?.get("Nats-Subject") ?? "", seq, headers, message.string());
}
