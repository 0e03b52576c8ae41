import type { Member, Position } from "../protocol/frames.ts";
import type {
  AppendRequest,
  AppendResult,
  Broker,
  BrokerSink,
  LogBound,
  LogPage,
  LogState,
  Members,
  Origin,
  RequestClaim,
  SessionClaim,
  SessionOpening,
} from "../server/broker.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Subscriber } from "./shared-room.ts";
import type { SharedStore } from "./shared-store.ts";
import type { SimProcess } from "./sim-process.ts";

/** What a call to a broker that can't be reached rejects with. */
export class BrokerLost extends Error {
  override readonly name: string = "BrokerLost";
}

/** How the way between a node and the shared store is. */
export interface BrokerLink {
  readonly latencyMs: readonly [number, number];
  /** Share of live messages that come twice. */
  readonly repeats: number;
  /** `reject`: calls fail. `hang`: they wait until it is back. `mute`: they are carried out, and then fail. */
  down: "reject" | "hang" | "mute" | null;
}

/**
 * One node's broker over the {@link SharedStore}: a connection for calls, which are carried out and answered in their
 * order, and one for what is published, which can be lost by itself.
 */
export class SharedBroker implements Broker {
  readonly name = "simulated";
  readonly link: BrokerLink;
  readonly #store: SharedStore;
  readonly #process: SimProcess;
  readonly #random: SeededRandom;
  #sink: BrokerSink | null = null;
  #node = "";
  #askedMs = 0;
  #answeredMs = 0;
  #toldMs = 0;
  #pending = 0;
  #idle: (() => void)[] = [];
  #hanging: (() => void)[] = [];
  #deaf = false;
  #heardMs = -1;
  /** Members that entered from here, by session and room. */
  readonly #own = new Map<string, { room: string; member: Member; generation: number }>();
  /** Whether they may be gone. */
  #isWiped = false;
  /** Which of the store's lives the connections are to. */
  #life = 1;

  constructor(store: SharedStore, process: SimProcess, random: SeededRandom, link: BrokerLink) {
    this.#store = store;
    this.#process = process;
    this.#random = random;
    this.link = link;
  }

  async start(sink: BrokerSink, node: string): Promise<void> {
    this.#sink = sink;
    this.#node = node;
    await this.#call(() => this.#store.join(node, this.#subscriber));
  }

  async stop(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#store.nodeStopped(this.#process.name);
    this.#store.leave(this.#node);
    this.leave();
  }

  /** The node is gone: nothing is published to it any more. */
  leave(): void {
    this.#store.nodes.delete(this.#node);
    for (const room of this.#store.subscriptionsOf(this.#subscriber))
      this.#store.unsubscribe(room, this.#subscriber);
  }

  /** Rooms the node is subscribed to. */
  subscriptions(): string[] {
    return this.#store.subscriptionsOf(this.#subscriber);
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#call(() => this.#store.append(request));
  }

  find(room: string, origin: Origin): Promise<Position | null> {
    return this.#call(() => this.#store.find(room, origin));
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#call(() => this.#store.read(room, after, limit));
  }

  subscribe(room: string, bound: LogBound): Promise<LogState> {
    return this.#call(() => this.#store.subscribe(room, bound, this.#subscriber));
  }

  unsubscribe(room: string): Promise<void> {
    return this.#call(() => this.#store.unsubscribe(room, this.#subscriber));
  }

  signal(room: string, key: string, data: string): void {
    void this.#call(() => this.#store.signal(room, key, data)).catch(() => {});
  }

  openSession(claim: SessionClaim): Promise<SessionOpening> {
    return this.#call(() => {
      const opening = this.#store.sessions.open(claim);
      if (opening.outcome === "opened")
        for (const node of this.#store.nodes.values()) node.opened(claim.session, claim.generation);
      return opening;
    });
  }

  renewSessions(sessions: readonly string[]): void {
    void this.#call(() => this.#store.sessions.renew(sessions)).catch(() => {});
  }

  claimRequest(origin: Origin): Promise<RequestClaim> {
    return this.#call(() => this.#store.sessions.claim(origin));
  }

  answerRequest(origin: Origin, answer: string): Promise<void> {
    return this.#call(() => this.#store.sessions.answer(origin, answer));
  }

  enter(room: string, member: Member, generation: number): Promise<void> {
    return this.#call(() => {
      this.#store.enter(room, member, generation, this.#process.name);
      this.#own.set(`${member.session} ${room}`, { room, member, generation });
    });
  }

  exit(room: string, session: string, generation: number): Promise<void> {
    return this.#call(() => {
      this.#store.exit(room, session, generation);
      const key = `${session} ${room}`;
      if ((this.#own.get(key)?.generation ?? Infinity) <= generation) this.#own.delete(key);
    });
  }

  members(room: string, limit: number): Promise<Members> {
    return this.#call(() => this.#store.members(room, limit));
  }

  tell(node: string | null, message: string): void {
    const carryOut = (): void => {
      for (const [id, subscriber] of this.#store.nodes)
        if (node === null || node === id) subscriber.told(message);
    };
    void this.#call(carryOut).catch(() => {});
  }

  nodes(): Promise<readonly string[]> {
    return this.#call(() => [...this.#store.nodes.keys()]);
  }

  /** The store can't be reached any more. */
  breakDown(how: "reject" | "hang" | "mute"): void {
    this.link.down = how;
    this.#process.run(() => this.#sink?.receiveOutage(new BrokerLost("the broker can't be reached")));
  }

  /** The store can be reached again: what hung goes on. */
  restore(): void {
    if (!this.link.down) return;
    this.link.down = null;
    this.#process.run(() => this.#sink?.receiveOutage(null));
    for (const go of this.#hanging.splice(0)) go();
    if (this.#isWiped) this.#enterAgain();
  }

  /** Whether live messages were lost at any time since a moment. */
  wasDeafSince(atMs: number): boolean {
    return this.#deaf || this.#heardMs >= atMs;
  }

  /** The connection for what is published breaks. */
  deafen(): void {
    this.#deaf = true;
  }

  /** It is back: what was missed has to be read. */
  hear(): void {
    if (!this.#deaf) return;
    this.#deaf = false;
    this.#heardMs = this.#process.timeline.nowMs;
    for (const room of this.subscriptions()) this.#tell((sink) => sink.receiveHole(room));
  }

  readonly #subscriber: Subscriber = {
    entry: (room, epoch, offset, data) =>
      this.#tell((sink) => sink.receiveEntry(room, epoch, { offset, data })),
    signal: (room, key, data) => this.#tell((sink) => sink.receiveSignal(room, key, data)),
    presence: (room, change) => this.#tell((sink) => sink.receivePresence(room, change)),
    opened: (session, generation) => this.#tell((sink) => sink.receiveOpened(session, generation)),
    told: (message) => this.#tell((sink) => sink.receiveTold(message)),
    hole: (room) => this.#tell((sink) => sink.receiveHole(room)),
    wiped: () => {
      this.#isWiped = true;
      if (!this.link.down) this.#enterAgain();
    },
    restarted: () => this.#reconnect(),
  };

  /** Both connections broke, and are made anew: what was on its way is lost, and whoever waits is told. */
  #reconnect(): void {
    this.#life += 1;
    this.#process.run(() => {
      this.#sink?.receiveOutage(new BrokerLost("the broker went away"));
      if (!this.link.down) this.#sink?.receiveOutage(null);
    });
    for (const room of this.subscriptions()) this.#tell((sink) => sink.receiveHole(room));
  }

  /** As every broker does: a node that lives puts its members back where they were lost. */
  #enterAgain(): void {
    this.#isWiped = false;
    for (const { room, member, generation } of this.#own.values())
      this.enter(room, member, generation).catch(() => (this.#isWiped = true));
  }

  #tell(give: (sink: BrokerSink) => void): void {
    if (this.#deaf) return;
    const { timeline } = this.#process;
    const life = this.#life;
    const times = this.#random.chance(this.link.repeats) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      this.#toldMs = Math.max(this.#toldMs, timeline.nowMs + this.#latencyMs());
      timeline.at(this.#toldMs, () => {
        if (!this.#deaf && life === this.#life) this.#process.run(() => this.#sink && give(this.#sink));
      });
    }
  }

  #call<T>(carryOut: () => T): Promise<T> {
    const { timeline } = this.#process;
    this.#pending += 1;
    return new Promise<T>((resolve, reject) => {
      const answer = (settle: () => void): void => {
        this.#answeredMs = Math.max(this.#answeredMs, timeline.nowMs + this.#latencyMs());
        timeline.at(this.#answeredMs, () => this.#process.run(() => this.#settle(settle)));
      };
      const ask = (): void => {
        const { down } = this.link;
        if (down === "hang") return void this.#hanging.push(ask);
        const result = down === "reject" ? null : { value: carryOut() };
        const life = this.#life;
        answer(() => {
          if (result && !down && life === this.#life) resolve(result.value);
          else reject(new BrokerLost("the broker can't be reached"));
        });
      };
      // A process that stops here has sent nothing; one that stops later has.
      this.#askedMs = Math.max(this.#askedMs, timeline.nowMs + this.#latencyMs());
      timeline.at(this.#askedMs, ask);
    });
  }

  #settle(settle: () => void): void {
    this.#pending -= 1;
    settle();
    if (this.#pending > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #latencyMs(): number {
    return this.#random.between(...this.link.latencyMs);
  }
}
