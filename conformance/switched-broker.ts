import type { Broker, BrokerSink, LogBound } from "bowline/server";

/**
 * A broker that the control channel can take away, and whose data it can lose. Everything else goes to the broker behind
 * it as it is.
 */
export class SwitchedBroker {
  readonly broker: Broker;
  readonly #make: () => Broker;
  readonly #rooms = new Map<string, LogBound>();
  #behind: Broker;
  #sink: BrokerSink | null = null;
  #node = "";
  #isAway = false;

  /** `make` gives a broker without any data; a session is opened when `opening` of it has resolved. */
  constructor(make: () => Broker, opening: (session: string) => Promise<void>) {
    this.#make = make;
    this.#behind = make();
    this.broker = {
      name: this.#behind.name,
      start: (sink, node) => {
        this.#sink = sink;
        this.#node = node;
        return this.#behind.start(sink, node);
      },
      stop: () => this.#behind.stop(),
      append: (request) => this.#reached().append(request),
      find: async (room, origin) => this.#reached().find(room, origin),
      read: async (room, after, limit) => this.#reached().read(room, after, limit),
      subscribe: async (room, bound) => {
        const state = await this.#reached().subscribe(room, bound);
        this.#rooms.set(room, bound);
        return state;
      },
      unsubscribe: async (room) => {
        this.#rooms.delete(room);
        await this.#reached().unsubscribe(room);
      },
      signal: (room, key, data) => {
        if (!this.#isAway) this.#behind.signal(room, key, data);
      },
      openSession: async (claim) => {
        await opening(claim.session);
        return this.#reached().openSession(claim);
      },
      renewSessions: (sessions) => {
        if (!this.#isAway) this.#behind.renewSessions(sessions);
      },
      claimRequest: (origin) => this.#reached().claimRequest(origin),
      answerRequest: (origin, answer) => this.#reached().answerRequest(origin, answer),
      enter: async (room, member, generation) => this.#reached().enter(room, member, generation),
      exit: async (room, session, generation) => this.#reached().exit(room, session, generation),
      members: async (room, limit) => this.#reached().members(room, limit),
      tell: (node, message) => {
        if (!this.#isAway) this.#behind.tell(node, message);
      },
      nodes: async () => this.#reached().nodes(),
    };
  }

  /** Takes the broker away, or gives it back. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    this.#sink?.receiveOutage(isAway ? new Error("the control channel took it away") : null);
  }

  /** Puts one without data in its place. Rooms that are read find another log, and ledgers are gone. */
  async lose(): Promise<void> {
    if (!this.#sink) throw new Error("the broker was never started");
    await this.#behind.stop();
    this.#behind = this.#make();
    await this.#behind.start(this.#sink, this.#node);
    for (const [room, bound] of this.#rooms) {
      await this.#behind.subscribe(room, bound);
      this.#sink.receiveHole(room);
    }
  }

  #reached(): Broker {
    if (this.#isAway) throw new Error("the control channel took the broker away");
    return this.#behind;
  }
}
