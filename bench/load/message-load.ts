import { setTimeout as sleep } from "node:timers/promises";
import { measureUsage } from "../measure.ts";
import { openConnections, type Connection, type Side } from "./connection.ts";
import { DeliveryCheck, makePayload } from "./payload.ts";
import type { LoadTask, Sample } from "./task.ts";
import { wires } from "./wire.ts";

/** How long nothing may arrive before what is still under way counts as lost. Above the kernel's longer retransmissions. */
const lostAfterMs = 15_000;
/** How long to look for messages that come twice, after all have come once. */
const repeatMs = 50;

export interface MessagePlan {
  readonly task: LoadTask;
  readonly receivers: number;
  readonly senders: number;
  readonly outstanding: number;
  /** Receivers that each message reaches. */
  readonly copies: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  encode(ref: number, payload: string): string;
}

/**
 * Closed-loop senders: each has a number of messages under way and sends the next one when it has got one of its own
 * back. Measures from one moment at which nothing is under way to another, so that costs and deliveries belong
 * together exactly.
 */
export class MessageLoad {
  readonly #plan: MessagePlan;
  readonly #check: DeliveryCheck;
  readonly #senders = new Map<Connection, { readonly number: number; sequence: number }>();
  readonly #failures: string[] = [];
  #sent = 0;
  #running = false;

  constructor(plan: MessagePlan) {
    this.#plan = plan;
    this.#check = new DeliveryCheck(plan.receivers, plan.senders);
  }

  async run(): Promise<Sample> {
    const { task, receivers, senders, warmUpMs, measuredMs } = this.#plan;
    const side: Side = {
      port: task.port,
      wire: wires[task.contender],
      onPayload: this.#onPayload,
      onFailure: (what) => this.#failures.push(what),
    };
    const connections = await openConnections(side, receivers, 50);
    for (let number = 0; number < senders; number++) {
      // Spread over the members: neither first nor last in the server's loop.
      const connection = connections[Math.floor(((number + 0.5) * receivers) / senders)] as Connection;
      this.#senders.set(connection, { number, sequence: 0 });
    }
    await this.#sendFor(warmUpMs);
    const before = this.#check.received;
    const stop = measureUsage(task.serverPid);
    await this.#sendFor(measuredMs);
    const usage = stop();
    const count = this.#check.received - before;
    await sleep(repeatMs);
    this.#checkAllArrived();
    return {
      figure: (usage.cpuSeconds / count) * 1e6,
      count,
      usage,
      failures: [...this.#failures, ...this.#check.failures],
    };
  }

  readonly #onPayload = (connection: Connection, bytes: Buffer, at: number): void => {
    const from = this.#check.record(connection.index, bytes, at);
    if (!this.#running) return;
    const sender = this.#senders.get(connection);
    if (sender?.number === from) this.#send(connection);
  };

  async #sendFor(ms: number): Promise<void> {
    this.#running = true;
    for (const connection of this.#senders.keys()) {
      for (let message = 0; message < this.#plan.outstanding; message++) this.#send(connection);
    }
    await sleep(ms);
    this.#running = false;
    await this.#drain();
  }

  /** Waits for everything under way; on a busy machine with a full socket at every member that takes seconds. */
  async #drain(): Promise<void> {
    let received = -1;
    let progressMs = performance.now();
    while (this.#check.received < this.#sent * this.#plan.copies) {
      if (this.#failures.length > 0 || this.#check.failures.length > 0) return;
      if (this.#check.received > received) progressMs = performance.now();
      else if (performance.now() - progressMs > lostAfterMs) return;
      received = this.#check.received;
      await sleep(2);
    }
  }

  #send(connection: Connection): void {
    const sender = this.#senders.get(connection);
    if (!sender) return;
    sender.sequence += 1;
    this.#sent += 1;
    connection.send(this.#plan.encode(sender.sequence, makePayload(sender.number, sender.sequence)));
  }

  #checkAllArrived(): void {
    const expected = this.#sent * this.#plan.copies;
    if (this.#check.received === expected) return;
    this.#failures.push(`${this.#check.received} good deliveries of ${expected}`);
  }
}

/** Every member gets what a few of them publish. */
export function fanOut(task: LoadTask & { readonly work: { readonly kind: "fan-out" } }): Promise<Sample> {
  const { members, publishers, outstanding, warmUpMs, measuredMs } = task.work;
  const encode = wires[task.contender].publish;
  const plan = {
    task,
    receivers: members,
    senders: publishers,
    copies: members,
    outstanding,
    warmUpMs,
    measuredMs,
    encode,
  };
  return new MessageLoad(plan).run();
}

/** Each client gets its own message back, and sends the next. */
export function echo(task: LoadTask & { readonly work: { readonly kind: "echo" } }): Promise<Sample> {
  const { clients, once, warmUpMs, measuredMs } = task.work;
  const { request } = wires[task.contender];
  const encode = (ref: number, payload: string): string => request(ref, payload, once);
  const plan = {
    task,
    receivers: clients,
    senders: clients,
    copies: 1,
    outstanding: 1,
    warmUpMs,
    measuredMs,
    encode,
  };
  return new MessageLoad(plan).run();
}
