import { contract, event, request, room, type BowlineError } from "bowline";
import { createClient, type Client, type Gap, type Room } from "bowline/client";
import { serve } from "bowline/node";
import { createServer, type Server } from "bowline/server";
import { WebSocket } from "ws";
import * as z from "zod";
import type { Broker } from "../../src/server/broker.ts";
import { until } from "./redis-node.ts";

const damage = contract({
  rooms: {
    "log/:id": room({
      events: { number: event(z.object({ n: z.number() })) },
      presence: z.object({ at: z.number() }),
      history: { count: 1000 },
    }),
  },
  requests: { run: request({ input: z.object({ id: z.string() }), output: z.number() }) },
});

type DamageClient = Client<typeof damage>;
type DamageRoom = Room<(typeof damage)["rooms"]["log/:id"]>;

const roundMs = 10;
const storedAfter = 20;

/** Publishes numbers, and makes requests, until it is told to stop; every call is written down as it ends. */
class Writer {
  readonly user: string;
  readonly client: DamageClient;
  readonly room: DamageRoom;
  /** Sockets that were dialled. */
  dials = 0;
  readonly acked = new Set<number>();
  readonly uncertain: string[] = [];
  readonly others: unknown[] = [];
  #n = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(url: string, user: string) {
    this.user = user;
    // oxlint-disable-next-line typescript/no-this-alias -- the class counts for the writer
    const writer = this;
    const Counted = class extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        writer.dials += 1;
      }
    };
    // Soon, and not at once: what comes back while the store is away is sent away again.
    const random = { float: () => 0.05, id: (length: number) => id(length) };
    this.client = createClient(damage, { url, token: user, WebSocket: Counted, random, onError: () => {} });
    this.room = this.client.join("log/a");
    this.room.presence.set({ at: 1 });
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.client.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const calls = [this.#publish(), this.#publish(), this.#request()];
      await Promise.all(calls);
      await new Promise((resolve) => setTimeout(resolve, roundMs));
    }
  }

  async #publish(): Promise<void> {
    const n = ++this.#n;
    await this.#settle("publish", async () => {
      await this.room.publish("number", { n });
      this.acked.add(n);
    });
  }

  #request(): Promise<void> {
    return this.#settle("request", () => this.client.request("run", { id: `${this.user}-${this.#n}` }));
  }

  async #settle(name: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if ((error as BowlineError).code === "UNCERTAIN") this.uncertain.push(name);
      else this.others.push(error);
    }
  }
}

/** What became of everybody meanwhile. */
interface Survival {
  readonly gaps: readonly Gap[];
  /** Calls that ended as such. */
  readonly uncertain: number;
  readonly dials: number;
  /** What was acknowledged, and the reader was not given. */
  readonly unseen: readonly string[];
}

/** What a part of the store is lost under: two servers, three clients that write, and one that reads. */
export class DamageBench {
  readonly #servers: Server<typeof damage>[] = [];
  readonly #urls: string[] = [];
  readonly writers: Writer[] = [];
  readonly #runs = new Map<string, number>();
  readonly seen: string[] = [];
  readonly gaps: Gap[] = [];
  #reader: DamageClient | null = null;
  #readerRoom: DamageRoom | null = null;

  static async start(open: () => Broker): Promise<DamageBench> {
    const bench = new DamageBench();
    for (let node = 0; node < 2; node += 1) await bench.#serve(open());
    const urls = bench.#urls;
    const reader = createClient(damage, { url: urls[1] as string, token: "reader", WebSocket });
    const joined = reader.join("log/a");
    bench.#reader = reader;
    bench.#readerRoom = joined;
    joined.on("number", ({ payload, from }) => bench.seen.push(`${from} ${payload.n}`));
    joined.onGap((gap) => bench.gaps.push(gap));
    await joined.joined();
    for (const [index, user] of ["ada", "grace", "alan"].entries())
      bench.writers.push(new Writer(urls[index % 2] as string, user));
    await bench.#works(bench.#marks());
    return bench;
  }

  async stop(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()));
    this.#reader?.close();
    for (const server of this.#servers) await server.close();
  }

  /** Does the damage while all write; resolves once all that they publish is stored again, with what clients were told meanwhile. */
  async survive(harm: () => Promise<unknown>): Promise<Survival> {
    const { gaps, uncertain, dials } = this.#totals;
    const before = new Set(this.#acked);
    await harm();
    await this.#works(this.#marks());
    const acked = this.#acked.filter((text) => !before.has(text));
    const unseen = (): string[] => acked.filter((text) => !this.seen.includes(text));
    await until(() => this.gaps.length > gaps || unseen().length === 0, 5000);
    const now = this.#totals;
    return {
      gaps: this.gaps.slice(gaps),
      uncertain: now.uncertain - uncertain,
      dials: now.dials - dials,
      unseen: unseen(),
    };
  }

  /** What was wrong so far: nothing may be seen twice, or before what its sender sent earlier, or be run twice. */
  get faults(): string[] {
    const faults: string[] = [];
    const newest = new Map<string, number>();
    for (const text of this.seen) {
      const [user = "", n] = text.split(" ");
      if (Number(n) <= (newest.get(user) ?? 0)) faults.push(`${text} after ${newest.get(user)}`);
      newest.set(user, Number(n));
    }
    for (const [request, count] of this.#runs) if (count > 1) faults.push(`${request} ran ${count} times`);
    for (const { user, others } of this.writers)
      for (const it of others) faults.push(`${user}: ${String(it)}`);
    return faults;
  }

  get #acked(): string[] {
    return this.writers.flatMap(({ user, acked }) => Array.from(acked, (n) => `${user} ${n}`));
  }

  get #totals(): { gaps: number; uncertain: number; dials: number } {
    let uncertain = 0;
    let dials = 0;
    for (const writer of this.writers) {
      uncertain += writer.uncertain.length;
      dials += writer.dials;
    }
    return { gaps: this.gaps.length, uncertain, dials };
  }

  #marks(): number[] {
    return this.writers.map(({ acked }) => acked.size + storedAfter);
  }

  /** Everybody gets on, the reader keeps up, and all are present to it. */
  async #works(marks: readonly number[]): Promise<void> {
    const isOn = (): boolean =>
      this.writers.every(({ acked }, index) => acked.size >= (marks[index] as number));
    await until(isOn, 15_000);
    const ends = this.writers.map(({ user, acked }) => `${user} ${Math.max(...acked)}`);
    await until(() => ends.every((end) => this.seen.includes(end)), 5000);
    await until(() => this.#readerRoom?.presence.members.size === this.writers.length, 5000);
    await this.#visit();
  }

  /** Everybody is there for who comes new, too. */
  async #visit(): Promise<void> {
    const visitor = createClient(damage, { url: this.#urls[0] as string, token: "visitor", WebSocket });
    const { presence } = visitor.join("log/a");
    await until(() => presence.members.size === this.writers.length, 5000);
    visitor.close();
  }

  async #serve(broker: Broker): Promise<void> {
    const server = createServer(damage, {
      logger: false,
      broker,
      authenticate: ({ token }) => (token === undefined ? null : { id: token }),
      limits: { framesPerSecond: 5000, framesBurst: 20_000, bytesPerSecond: Infinity },
      presenceGraceMs: 1000,
      onError: () => {},
    });
    server.request("run", ({ payload }) => {
      const count = (this.#runs.get(payload.id) ?? 0) + 1;
      this.#runs.set(payload.id, count);
      return count;
    });
    const { url } = await serve(server, { port: 0, signals: false });
    this.#servers.push(server);
    this.#urls.push(url);
  }
}

function id(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join("");
}
