import { BowlineError, type Broker, type BrokerSink, type LogBound, type Origin } from "bowline/server";
import { callThrough } from "../src/testing/sabotage-kit.ts";

/**
 * A broker that the control channel can take away, make deaf, damage, and whose data it can lose. Everything else goes to
 * the broker behind it as it is.
 */
export class SwitchedBroker {
  readonly broker: Broker;
  readonly #make: () => Broker;
  readonly #rooms = new Map<string, LogBound>();
  /** By session: the highest ref of which nothing is known any more. */
  readonly #damaged = new Map<string, number>();
  #behind: Broker;
  #sink: BrokerSink | null = null;
  #start: (broker: Broker) => Promise<void> = async () => {};
  #isAway = false;
  #hasSessions = true;
  #isDeaf = false;

  /** `make` gives a broker without any data; a session is opened when `opening` of it has resolved. */
  constructor(make: () => Broker, opening: (session: string) => Promise<void>) {
    this.#make = make;
    this.#behind = make();
    this.broker = {
      name: this.#behind.name,
      start: async (sink, node, settings) => {
        const hearing = this.#hearing(sink);
        this.#sink = hearing;
        this.#start = (broker) => broker.start(hearing, node, settings);
        await this.#start(this.#behind);
      },
      stop: () => this.#behind.stop(),
      append: (request) => this.#knowing(request.origin).append(request),
      find: async (room, origin) => this.#knowing(origin).find(room, origin),
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
        return (this.#hasSessions ? this.#behind : this.#reached()).openSession(claim);
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

  /** Takes the broker away, but for the sessions where it has them elsewhere; or gives it back. */
  setAway(isAway: boolean, hasSessions: boolean): void {
    this.#isAway = isAway;
    this.#hasSessions = !isAway || hasSessions;
    this.#sink?.receiveOutage(isAway ? new Error("the control channel took it away") : null);
  }

  /** Nothing that is published is heard of, as where another node is quicker; or it is again, with what was missed. */
  setDeaf(isDeaf: boolean): void {
    this.#isDeaf = isDeaf;
    if (!isDeaf) for (const room of this.#rooms.keys()) this.#sink?.receiveHole(room);
  }

  /** Nobody can tell any more which publishes of a session were stored, up to this ref. */
  damage(session: string, ref: number): void {
    this.#damaged.set(session, ref);
  }

  /** Puts one without data in its place. Rooms that are read find another log, and ledgers are gone. */
  async lose(): Promise<void> {
    if (!this.#sink) throw new Error("the broker was never started");
    await this.#behind.stop();
    this.#behind = this.#make();
    await this.#start(this.#behind);
    for (const [room, bound] of this.#rooms) {
      await this.#behind.subscribe(room, bound);
      this.#sink.receiveHole(room);
    }
  }

  #hearing(sink: BrokerSink): BrokerSink {
    return {
      ...callThrough(sink),
      receiveEntry: (room, epoch, entry) => {
        if (!this.#isDeaf) sink.receiveEntry(room, epoch, entry);
      },
    };
  }

  #reached(): Broker {
    if (this.#isAway) throw new Error("the control channel took the broker away");
    return this.#behind;
  }

  #knowing(origin: Origin | undefined): Broker {
    if (origin && origin.ref <= (this.#damaged.get(origin.session) ?? 0))
      throw new BowlineError("UNCERTAIN", "the control channel damaged the ledger of this session");
    return this.#reached();
  }
}
