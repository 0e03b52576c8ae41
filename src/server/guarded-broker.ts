import { attempt, isPromised, type Awaitable } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { within } from "../base/deadline.ts";
import type { TimerWheel, WheelItem } from "../base/timer-wheel.ts";
import type { Member, Position } from "../protocol/frames.ts";
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
} from "./broker.ts";
import { isRefusal, type Report } from "./refusal.ts";

/** The broker could not do what it was asked; `cause` says why. What it refuses for good is a `BowlineError` instead. */
export class BrokerFailure extends Error {
  override readonly name: string = "BrokerFailure";

  constructor(cause: unknown) {
    super("the broker failed", { cause });
  }
}

/** What a {@link GuardedBroker} needs of the node. */
export interface GuardContext {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** How long a call may take. */
  readonly brokerMs: number;
  readonly report: Report;
}

/** How long a broker may take to start, or to stop: longer than any of the package's own gives itself. */
const startMs = 60_000;
const stopMs = 30_000;

/**
 * The broker as the node calls it. Whatever an implementation does, a call gives a promise of this realm that ends in
 * time, or a value; it rejects with what was refused or a {@link BrokerFailure}, so that nothing else is taken for an
 * outage; and one that is told something, rather than asked, ends nothing by throwing.
 */
export class GuardedBroker implements Broker {
  readonly name: string;
  readonly #broker: Broker;
  readonly #context: GuardContext;

  constructor(broker: Broker, context: GuardContext) {
    this.name = broker.name;
    this.#broker = broker;
    this.#context = context;
  }

  /** Its errors are for whoever starts the server. One that comes to an end too late is stopped again. */
  async start(sink: BrokerSink, node: string, settings?: ClusterSettings): Promise<void> {
    const starting = Promise.resolve(this.#broker.start(sink, node, settings));
    let isLate = false;
    starting.then(() => isLate && attempt(() => this.#broker.stop(), this.#failed), ignore);
    return this.#inTime("start", startMs, starting, () => (isLate = true));
  }

  /** Its errors are for whoever closes the server. */
  async stop(): Promise<void> {
    return this.#inTime("stop", stopMs, Promise.resolve(this.#broker.stop()));
  }

  #inTime(what: string, limitMs: number, work: Promise<void>, late: () => void = ignore): Promise<void> {
    return within(this.#context.clock, limitMs, work, () => {
      late();
      return new Error(`the broker ${this.name} did not ${what} within ${limitMs / 1000} s`);
    });
  }

  append(request: AppendRequest): Awaitable<AppendResult> {
    return this.#call("append", () => this.#broker.append(request));
  }

  find(room: string, origin: Origin): Promise<Position | null> {
    return this.#ask("find", () => this.#broker.find(room, origin));
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#ask("read", () => this.#broker.read(room, after, limit));
  }

  subscribe(room: string, bound: LogBound): Promise<LogState> {
    return this.#ask("subscribe", () => this.#broker.subscribe(room, bound));
  }

  unsubscribe(room: string): Promise<void> {
    return this.#ask("unsubscribe", () => this.#broker.unsubscribe(room));
  }

  signal(room: string, key: string, data: string): void {
    this.#tell(() => this.#broker.signal(room, key, data));
  }

  openSession(claim: SessionClaim): Promise<SessionOpening> {
    return this.#ask("openSession", () => this.#broker.openSession(claim));
  }

  renewSessions(sessions: readonly string[]): void {
    this.#tell(() => this.#broker.renewSessions(sessions));
  }

  claimRequest(origin: Origin): Awaitable<RequestClaim> {
    return this.#call("claimRequest", () => this.#broker.claimRequest(origin));
  }

  answerRequest(origin: Origin, answer: string): Awaitable<void> {
    return this.#call("answerRequest", () => this.#broker.answerRequest(origin, answer));
  }

  enter(room: string, member: Member, generation: number): Promise<void> {
    return this.#ask("enter", () => this.#broker.enter(room, member, generation));
  }

  exit(room: string, session: string, generation: number): Promise<void> {
    return this.#ask("exit", () => this.#broker.exit(room, session, generation));
  }

  members(room: string, limit: number): Promise<Members> {
    return this.#ask("members", () => this.#broker.members(room, limit));
  }

  tell(node: string | null, message: string): void {
    this.#tell(() => this.#broker.tell(node, message));
  }

  nodes(): Promise<readonly string[]> {
    return this.#ask("nodes", () => this.#broker.nodes());
  }

  #ask<T>(name: string, call: () => Promise<T>): Promise<T> {
    try {
      const result = this.#call(name, call);
      return isPromised(result) ? result : Promise.resolve(result);
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      return Promise.reject(error);
    }
  }

  #call<T>(name: string, call: () => Awaitable<T>): Awaitable<T> {
    const { wheel, brokerMs } = this.#context;
    try {
      const result = call();
      return isPromised(result) ? new Wait<T>(wheel, brokerMs, name).for(result) : result;
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** What the broker gives back is nothing that anybody waits for, but it may reject. */
  #tell(call: () => unknown): void {
    attempt(call, this.#failed);
  }

  readonly #failed = (error: unknown): void => this.#context.report(error, "broker");
}

/** A wait for the broker's answer, up to a bound: on the wheel, for a timer each would cost more than the call. */
class Wait<T> implements WheelItem {
  wheelSlot = -1;
  wheelIndex = -1;
  wheelTick = -1;
  readonly #wheel: TimerWheel;
  readonly #limitMs: number;
  readonly #name: string;
  #reject: (error: Error) => void = () => {};

  constructor(wheel: TimerWheel, limitMs: number, name: string) {
    this.#wheel = wheel;
    this.#limitMs = limitMs;
    this.#name = name;
  }

  for(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#wheel.add(this, this.#limitMs);
      Promise.resolve(result).then(
        (value) => {
          this.#wheel.remove(this);
          resolve(value);
        },
        (error: unknown) => {
          this.#wheel.remove(this);
          reject(failureOf(error));
        },
      );
    });
  }

  due(): void {
    const text = `the broker's ${this.#name} took longer than ${this.#limitMs} ms (limits.brokerMs)`;
    this.#reject(new BrokerFailure(new Error(text)));
  }
}

function ignore(): void {}

function failureOf(error: unknown): Error {
  return isRefusal(error) ? error : new BrokerFailure(error);
}
