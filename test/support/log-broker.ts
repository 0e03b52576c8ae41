import { memory } from "../../src/server/memory-broker.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { Member } from "../../src/protocol/frames.ts";
import type { Broker, LogPage, LogState, Members } from "../../src/server/broker.ts";
import type { Hub } from "../../src/server/hub.ts";

/** More reads than any test needs: whoever makes them reads without end. */
const readsMax = 500;

/**
 * A broker of one room, whose log and live messages the test has in its hand: it can lose messages, trim, begin a new
 * log, fail, and keep its answers back.
 */
export class LogBroker {
  readonly name = "test";
  epoch = "one";
  /** Calls of `read` since the start. */
  reads = 0;
  /** Entries that were read. */
  entriesRead = 0;
  members_: Member[] = [];
  subscribed = false;
  /** While true, every call is refused. */
  down = false;
  hub: Hub | null = null;
  readonly room: string;
  readonly #clock: FakeClock;
  #log: string[] = [];
  #base = 0;
  #held: (() => void)[] | null = null;

  constructor(room: string, clock: FakeClock) {
    this.room = room;
    this.#clock = clock;
  }

  /** As what a hub takes; the calls that a hub makes are all there. */
  get asBroker(): Broker {
    return this as unknown as Broker;
  }

  /** Appends `count` entries, and tells the hub of them, unless they are `lost` on the way. */
  publish(
    count = 1,
    { lost = false, text = "" }: { readonly lost?: boolean; readonly text?: string } = {},
  ): void {
    for (let published = 0; published < count; published += 1) {
      const offset = this.#base + this.#log.length + 1;
      const data = JSON.stringify({
        id: `${this.epoch}-${offset}`,
        event: "n",
        from: null,
        at: 0,
        payload: text,
      });
      this.#log.push(data);
      if (!lost && this.subscribed) this.hub?.receiveEntry(this.room, this.epoch, { offset, data });
    }
  }

  /** Tells the hub of an entry, whatever the log holds. */
  stray(epoch: string, offset: number): void {
    this.hub?.receiveEntry(this.room, epoch, { offset, data: '{"id":"stray"}' });
  }

  /** Gives up everything up to and including `offset`. */
  trimTo(offset: number): void {
    this.#log = this.#log.slice(offset - this.#base);
    this.#base = offset;
  }

  /** Loses everything after `offset`. */
  cutOffAfter(offset: number): void {
    this.#log = this.#log.slice(0, offset - this.#base);
  }

  /** The log is lost; another one begins. */
  beginAnew(epoch: string): void {
    this.epoch = epoch;
    this.#log = [];
    this.#base = 0;
  }

  /** Answers nothing until `release`. What is answered then is what was true when it was asked. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const answer of held) answer();
  }

  async subscribe(): Promise<LogState> {
    this.subscribed = true;
    return this.#answer(() => this.#state());
  }

  async unsubscribe(): Promise<void> {
    this.subscribed = false;
  }

  async read(_room: string, after: number, limit: number): Promise<LogPage> {
    this.reads += 1;
    // Nothing is answered from here on: one that reads without end would have no test end.
    if (this.reads > readsMax) return new Promise(() => {});
    return this.#answer(() => {
      const start = after - this.#base;
      const data = start < 0 ? [] : this.#log.slice(start, start + limit);
      this.entriesRead += data.length;
      return {
        ...this.#state(),
        entries: data.map((text, index) => ({ offset: after + index + 1, data: text })),
      };
    });
  }

  async members(_room: string, limit: number): Promise<Members> {
    const list = [...this.members_];
    return this.#answer(() => ({ count: list.length, list: list.length <= limit ? list : [] }));
  }

  #state(): LogState {
    return { epoch: this.epoch, base: this.#base, head: this.#base + this.#log.length };
  }

  async #answer<T>(look: () => T): Promise<T> {
    if (this.down) throw new Error("the broker is down");
    const answer = look();
    await new Promise<void>((resolve) => {
      if (this.#held) this.#held.push(resolve);
      else this.#clock.defer(resolve);
    });
    return answer;
  }
}

type Calls = { readonly [Name in keyof Broker]?: Broker[Name] };

/** A broker that passes every call on to `inner`, but for the given ones. */
export function altered(inner: Broker, calls: Calls): Broker {
  return new Proxy(inner, {
    get(target, name) {
      const own = calls[name as keyof Broker];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A memory broker of which one call, once armed, ends as it is told to, and from then on as before. */
export function oddOnce(
  name: keyof Broker,
  end: () => unknown,
): { broker: Broker; arm(): void; isArmed(): boolean } {
  const inner = memory();
  let isArmed = false;
  const call = (...of: unknown[]): unknown => {
    if (!isArmed) return (inner[name] as (...of: unknown[]) => unknown).apply(inner, of);
    isArmed = false;
    return end();
  };
  return {
    broker: altered(inner, { [name]: call }),
    arm: () => void (isArmed = true),
    isArmed: () => isArmed,
  };
}
