import { setTimeout as sleep } from "node:timers/promises";
import { measureUsage } from "../measure.ts";
import { onlyRoom, openConnections, type Connection, type Place, type Side } from "./connection.ts";
import { DeliveryCheck, makePayload, type Numbers } from "./payload.ts";
import type { LoadTask, Sample } from "./task.ts";
import { wires } from "./wire.ts";

/** How long nothing may arrive before what is still under way counts as lost. Above the kernel's longer retransmissions. */
const lostAfterMs = 15_000;
/** How long to look for messages that come twice, after all have come once. */
const repeatMs = 50;
const failuresMax = 10;
/** How long a broker may still be at work when the last copy has arrived. Above the poll intervals of its clients. */
const brokerSettleMs = 100;

export interface MessagePlan {
  readonly task: LoadTask;
  /** Among which receivers and senders are divided evenly, in the order of their numbers. */
  readonly rooms: number;
  readonly receivers: number;
  readonly senders: number;
  readonly outstanding: number;
  /** Receivers that each message reaches. */
  readonly copies: number;
  /** What a sender sends its next message for: one of its own got back, or as many copies as a message has. */
  readonly awaits: "own" | "copies";
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** What the figure is a million of. */
  readonly counts: "deliveries" | "publishes";
  /** How long something behind the servers may still be at work when all copies have arrived. */
  readonly settleMs: number;
  readonly placeOf: (index: number) => Place;
  encode(ref: number, payload: string, room: string): string;
}

interface Sender {
  readonly connection: Connection;
  readonly number: number;
  sequence: number;
  /** Of its messages, that have arrived. */
  copies: number;
}

/**
 * Closed-loop senders: each has a number of messages under way and sends the next one when one of them is done. Measures
 * from one moment at which nothing is under way to another, so that costs and deliveries belong together exactly.
 */
export class MessageLoad {
  readonly #plan: MessagePlan;
  /** One for each room. */
  readonly #checks: readonly DeliveryCheck[];
  /** That of its room, by receiver. */
  readonly #checkOf: readonly DeliveryCheck[];
  /** By number. */
  readonly #senders: Sender[] = [];
  readonly #failures: string[] = [];
  #sent = 0;
  #running = false;

  constructor(plan: MessagePlan) {
    const { rooms, receivers, senders } = plan;
    this.#plan = plan;
    this.#checks = Array.from(
      { length: rooms },
      (_, room) => new DeliveryCheck(share(receivers, room, rooms), share(senders, room, rooms)),
    );
    this.#checkOf = this.#checks.flatMap((check) => Array<DeliveryCheck>(receivers / rooms).fill(check));
  }

  async run(): Promise<Sample> {
    const { task, receivers, senders, warmUpMs, settleMs, placeOf } = this.#plan;
    const side: Side = {
      wire: wires[task.contender],
      placeOf,
      onPayload: this.#onPayload,
      onFailure: (what) => this.#failures.push(what),
    };
    const connections = await openConnections(side, receivers, 50);
    for (let number = 0; number < senders; number++) {
      // Spread over the members: neither first nor last in the server's loop.
      const connection = connections[Math.floor(((number + 0.5) * receivers) / senders)] as Connection;
      this.#senders.push({ connection, number, sequence: 0, copies: 0 });
    }
    await this.#sendFor(warmUpMs);
    await sleep(settleMs);
    const measured = await this.#measure();
    await sleep(repeatMs);
    this.#checkAllArrived();
    return { ...measured, failures: this.#allFailures().slice(0, failuresMax) };
  }

  async #measure(): Promise<Omit<Sample, "failures">> {
    const { task, measuredMs, settleMs, counts } = this.#plan;
    const before = { deliveries: this.#received(), publishes: this.#sent };
    const stop = measureUsage(task.measuredPid);
    const stopServers = task.serverPids.map(measureUsage);
    await this.#sendFor(measuredMs);
    // What is done after the last copy has arrived belongs to the cost, and not to the time.
    const { wallSeconds } = stop();
    await sleep(settleMs);
    const usage = { ...stop(), wallSeconds };
    const serversSeconds = stopServers.reduce((sum, stopServer) => sum + stopServer().cpuSeconds, 0);
    const after = { deliveries: this.#received(), publishes: this.#sent };
    const count = after[counts] - before[counts];
    return {
      figure: (usage.cpuSeconds / count) * 1e6,
      serversFigure: (serversSeconds / count) * 1e6,
      count,
      usage,
    };
  }

  readonly #onPayload = (connection: Connection, bytes: Buffer, at: number): void => {
    const check = this.#checkOf[connection.index] as DeliveryCheck;
    const sender = this.#senders[check.record(connection.index, bytes, at)];
    if (sender && this.#isNextDue(sender, connection) && this.#running) this.#send(sender);
  };

  #isNextDue(sender: Sender, receiver: Connection): boolean {
    const { awaits, copies } = this.#plan;
    if (awaits === "own") return sender.connection === receiver;
    sender.copies += 1;
    return sender.copies % copies === 0;
  }

  async #sendFor(ms: number): Promise<void> {
    this.#running = true;
    for (const sender of this.#senders) {
      for (let message = 0; message < this.#plan.outstanding; message++) this.#send(sender);
    }
    await sleep(ms);
    this.#running = false;
    await this.#drain();
  }

  /** Waits for everything under way; on a busy machine with a full socket at every member that takes seconds. */
  async #drain(): Promise<void> {
    let received = -1;
    let progressMs = performance.now();
    while (this.#received() < this.#sent * this.#plan.copies) {
      if (this.#allFailures().length > 0) return;
      if (this.#received() > received) progressMs = performance.now();
      else if (performance.now() - progressMs > lostAfterMs) return;
      received = this.#received();
      await sleep(2);
    }
  }

  #send(sender: Sender): void {
    const { connection, number } = sender;
    sender.sequence += 1;
    this.#sent += 1;
    const payload = makePayload(number, sender.sequence);
    connection.send(this.#plan.encode(sender.sequence, payload, connection.room));
  }

  #received(): number {
    return this.#checks.reduce((sum, { received }) => sum + received, 0);
  }

  #allFailures(): string[] {
    return [...this.#failures, ...this.#checks.flatMap(({ failures }) => failures)];
  }

  #checkAllArrived(): void {
    const expected = this.#sent * this.#plan.copies;
    const received = this.#received();
    if (received === expected) return;
    this.#failures.push(`${received} good deliveries of ${expected}`);
  }
}

/** Those of `total` that belong to a room. */
function share(total: number, room: number, rooms: number): Numbers {
  const count = total / rooms;
  return { first: room * count, count };
}

/** Every member gets what a few of them publish. */
export function fanOut(task: LoadTask & { readonly work: { readonly kind: "fan-out" } }): Promise<Sample> {
  const { members, publishers, outstanding, warmUpMs, measuredMs, rooms = 1 } = task.work;
  const one = atOneServer(task);
  const copies = members / rooms;
  return new MessageLoad({
    ...one,
    ...(rooms > 1 && {
      rooms,
      placeOf: (index) => ({ ...one.placeOf(index), room: `${onlyRoom}/${Math.floor(index / copies)}` }),
    }),
    receivers: members,
    senders: publishers,
    copies,
    outstanding,
    warmUpMs,
    measuredMs,
    encode: wires[task.contender].publish,
  }).run();
}

/** Each client gets its own message back, and sends the next. */
export function echo(task: LoadTask & { readonly work: { readonly kind: "echo" } }): Promise<Sample> {
  const { clients, once, warmUpMs, measuredMs } = task.work;
  const { request } = wires[task.contender];
  return new MessageLoad({
    ...atOneServer(task),
    receivers: clients,
    senders: clients,
    copies: 1,
    outstanding: 1,
    warmUpMs,
    measuredMs,
    encode: (ref, payload) => request(ref, payload, once),
  }).run();
}

/** All members of many rooms publish, and each room has its members on all nodes. */
export function cluster(task: LoadTask & { readonly work: { readonly kind: "cluster" } }): Promise<Sample> {
  const { rooms, membersPerRoom, outstanding, warmUpMs, measuredMs } = task.work;
  const { ports } = task;
  return new MessageLoad({
    task,
    rooms,
    receivers: rooms * membersPerRoom,
    senders: rooms * membersPerRoom,
    copies: membersPerRoom,
    outstanding,
    warmUpMs,
    measuredMs,
    // Where a sender's own node is served at once, its own message back says nothing of how far the others are.
    awaits: "copies",
    counts: "publishes",
    settleMs: brokerSettleMs,
    placeOf: (index) => ({
      port: ports[index % ports.length] as number,
      room: `bench/${Math.floor(index / membersPerRoom)}`,
    }),
    encode: wires[task.contender].publish,
  }).run();
}

function atOneServer(
  task: LoadTask,
): Pick<MessagePlan, "task" | "rooms" | "awaits" | "counts" | "settleMs" | "placeOf"> {
  const [port = NaN] = task.ports;
  const place = { port, room: onlyRoom };
  return { task, rooms: 1, awaits: "own", counts: "deliveries", settleMs: 0, placeOf: () => place };
}
