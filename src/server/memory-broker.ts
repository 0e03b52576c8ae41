import { systemClock, type Clock, type Undo } from "../base/clock.ts";
import { checkOptions } from "../base/options.ts";
import { pooledRandom } from "../base/pooled-random.ts";
import type { Random } from "../base/random.ts";
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
} from "./broker.ts";
import { MemoryRooms } from "./memory-rooms.ts";
import { MemorySessions } from "./memory-sessions.ts";

/** Options of {@link memory}. */
export interface MemoryBrokerOptions {
  /** How long a session without a connection is remembered. Default 1 hour. */
  readonly sessionTtlMs?: number;
  /** Most sessions remembered; the longest disconnected go first, connected ones never. Default 200,000. */
  readonly sessionsMax?: number;
  /** Most logs held; those nobody is subscribed to go first, the longest unused before others. Default 100,000. */
  readonly roomsMax?: number;
  /**
   * Most bytes of memory that all logs take together. Logs that nobody is subscribed to go first, the longest unused
   * before others; if that is not enough, those that are read lose their oldest entries, the longest logs first. Who
   * missed them is told (`gap`). The default, 67,108,864, leaves room for the rest in a heap of 256 MiB.
   */
  readonly logsBytes?: number;
  /**
   * Most bytes of answers, in UTF-8, kept for requests that are sent again; those of the session that was answered the
   * longest ago go first, and a request of it that is sent again ends `UNCERTAIN`. Default 33,554,432.
   */
  readonly answersBytes?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

const sweepMs = 60_000;

/**
 * The default broker: everything in this process, for one node. What it holds ends with the process; clients that come
 * back to a new one are told (`gap`, `UNCERTAIN`), never left guessing.
 *
 * @example
 * createServer(chat, { broker: memory({ sessionTtlMs: 10 * 60_000 }) });
 */
export function memory(options: MemoryBrokerOptions = {}): Broker {
  checkOptions("memory", options, {
    sessionTtlMs: 1,
    sessionsMax: 1,
    roomsMax: 1,
    logsBytes: 1,
    answersBytes: 1,
    clock: 1,
    random: 1,
  });
  return new MemoryBroker(options);
}

class MemoryBroker implements Broker {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #sessions: MemorySessions;
  readonly #rooms: MemoryRooms;
  #sink: BrokerSink | null = null;
  #node = "";
  #stopSweep: Undo | null = null;

  constructor(options: MemoryBrokerOptions) {
    const {
      sessionTtlMs = 3_600_000,
      sessionsMax = 200_000,
      answersBytes = 33_554_432,
      roomsMax = 100_000,
      logsBytes = 67_108_864,
      clock = systemClock,
      random = pooledRandom,
    } = options;
    checkPositive({ sessionTtlMs, sessionsMax, answersBytes, roomsMax, logsBytes });
    this.#clock = clock;
    this.#rooms = new MemoryRooms({ clock, random, max: roomsMax, bytesMax: logsBytes });
    this.#sessions = new MemorySessions({
      clock,
      random,
      ttlMs: sessionTtlMs,
      max: sessionsMax,
      answersBytesMax: answersBytes,
      isConnected: (session) => this.#sink?.isConnected(session) ?? false,
    });
  }

  async start(sink: BrokerSink, node: string): Promise<void> {
    if (this.#sink) throw new Error("this memory broker has a node already: one broker serves one server");
    this.#sink = sink;
    this.#node = node;
    this.#sweepLater();
  }

  async stop(): Promise<void> {
    this.#sessions.stop();
    this.#stopSweep?.();
  }

  append({ room: name, data, bound, origin, ifAt }: AppendRequest): AppendResult {
    const room = this.#rooms.use(name);
    const ledger = origin && this.#sessions.ledger(origin);
    if (origin && !ledger) return { outcome: "unknown-session" };
    if (ledger && origin) {
      const position = ledger.find(name, origin.ref);
      if (position) return { outcome: "repeated", position };
      if (ledger.isOvertaken(name, origin.ref)) return { outcome: "out-of-order" };
    }
    const end: Position = { offset: room.log.state().head, epoch: room.log.epoch };
    if (ifAt && (ifAt.offset !== end.offset || ifAt.epoch !== end.epoch))
      return { outcome: "conflict", position: end };
    const { entry, position } = this.#rooms.append(room, data, bound);
    if (ledger && origin) {
      ledger.add(name, origin.ref, position);
      this.#sessions.carriedOut(origin);
    }
    if (room.subscribed) this.#sink?.receiveEntry(name, room.log.epoch, entry);
    return { outcome: "stored", position };
  }

  async find(room: string, origin: Origin): Promise<Position | null> {
    return this.#sessions.ledger(origin)?.find(room, origin.ref) ?? null;
  }

  async read(name: string, after: number, limit: number): Promise<LogPage> {
    return this.#rooms.use(name).log.read(after, limit, this.#clock.now());
  }

  async subscribe(name: string, bound: LogBound): Promise<LogState> {
    const room = this.#rooms.use(name);
    room.subscribed = true;
    room.log.trim(this.#clock.now(), bound);
    return room.log.state();
  }

  async unsubscribe(name: string): Promise<void> {
    const room = this.#rooms.find(name);
    if (!room) return;
    room.subscribed = false;
    this.#rooms.touch(name, room);
  }

  signal(name: string, key: string, data: string): void {
    if (this.#rooms.find(name)?.subscribed) this.#sink?.receiveSignal(name, key, data);
  }

  async openSession(claim: SessionClaim): Promise<SessionOpening> {
    const opening = this.#sessions.open(claim);
    if (opening.outcome === "opened") this.#sink?.receiveOpened(claim.session, claim.generation);
    return opening;
  }

  renewSessions(sessions: readonly string[]): void {
    this.#sessions.renew(sessions);
  }

  claimRequest(origin: Origin): RequestClaim {
    return this.#sessions.claimRequest(origin);
  }

  answerRequest(origin: Origin, answer: string): void {
    this.#sessions.answerRequest(origin, answer);
  }

  async enter(name: string, member: Member, generation: number): Promise<void> {
    const { members } = this.#rooms.use(name);
    const held = members.get(member.session);
    if (held && held.generation > generation) return;
    members.set(member.session, { member, generation });
    this.#sink?.receivePresence(name, { set: member, count: members.size });
  }

  async exit(name: string, session: string, generation: number): Promise<void> {
    const members = this.#rooms.find(name)?.members;
    const held = members?.get(session);
    if (!members || !held || held.generation > generation) return;
    members.delete(session);
    this.#sink?.receivePresence(name, { gone: session, count: members.size });
  }

  async members(name: string, limit: number): Promise<Members> {
    const held = this.#rooms.find(name)?.members;
    const count = held?.size ?? 0;
    return { count, list: held && count <= limit ? Array.from(held.values(), ({ member }) => member) : [] };
  }

  tell(node: string | null, message: string): void {
    if (node === null || node === this.#node) queueMicrotask(() => this.#sink?.receiveTold(message));
  }

  async nodes(): Promise<readonly string[]> {
    return [this.#node];
  }

  #sweepLater(): void {
    this.#stopSweep = this.#clock.setTimer(sweepMs, () => {
      this.#rooms.sweep();
      this.#sweepLater();
    });
  }
}

function checkPositive(options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options))
    if (!(typeof value === "number" && value > 0))
      throw new TypeError(`memory broker: option "${name}" must be a number above 0, not ${String(value)}`);
}
