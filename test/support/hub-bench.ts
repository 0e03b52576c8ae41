import type { GapFrame, Position } from "../../src/protocol/frames.ts";
import { Flusher } from "../../src/server/flusher.ts";
import { Hub } from "../../src/server/hub.ts";
import { Outbox } from "../../src/server/outbox.ts";
import type { Reader } from "../../src/server/reader.ts";
import type { WireFormat } from "../../src/server/wire-formats.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeSocket } from "./fake-socket.ts";
import { LogBroker } from "./log-broker.ts";
import { textFormat } from "./formats.ts";

export const room = "r";
export const slowBytes = 10_000;
export const retryMs = 1000;

/** Somebody who reads the room. */
export class Member {
  readonly socket = new FakeSocket();
  start: Position | null = null;
  reader: Reader | null = null;
  outbox: Outbox | null = null;

  /** What it was told of the log since it joined: offsets, and gaps as `reason→offset`. */
  get told(): (number | string)[] {
    return this.socket.frames.flatMap((frame): (number | string)[] => {
      if (frame.type === "event") return [frame["offset"] as number];
      if (frame.type !== "gap") return [];
      const { reason, position } = frame as unknown as GapFrame;
      return [`${reason}→${position.offset}${position.epoch === "one" ? "" : ` of ${position.epoch}`}`];
    });
  }

  of(type: string) {
    return this.socket.frames.filter((frame) => frame.type === type);
  }

  /** Its socket takes no more. */
  stall(): void {
    this.socket.buffered = slowBytes + 1;
  }

  drain(): void {
    this.socket.buffered = 0;
    this.outbox?.checkDrained();
  }
}

interface JoinOptions {
  readonly position?: Position;
  readonly history?: number;
  readonly format?: WireFormat;
}

/** A hub, its broker, and members who join one room. */
export function hubBench() {
  const clock = new FakeClock();
  const broker = new LogBroker(room, clock);
  const errors: unknown[] = [];
  const flusher = new Flusher(clock, (error) => errors.push(error));
  const retry = (task: () => void, error: unknown): void => {
    errors.push(error);
    clock.setTimer(retryMs, task);
  };
  const hub = new Hub({
    broker: broker.asBroker,
    clock,
    flusher,
    undelivered: (error) => void errors.push(error),
    presenceMembers: 3,
    presenceBytes: 10_000,
    retry,
  });
  broker.hub = hub;

  async function begin(
    member: Member,
    { position, history = 0, format = textFormat }: JoinOptions,
  ): Promise<void> {
    const drained = { drained: () => member.reader?.catchUp() };
    member.outbox = new Outbox({ clock, flusher, slowBytes }, member.socket, format, drained);
    member.reader = await hub.join(
      room,
      { count: 100, ageMs: Infinity, bytes: Infinity },
      member.outbox,
      history,
    );
    // As for every join of a room with presence.
    await member.reader.room.members();
    await member.reader.begin(position, (start) => (member.start = start));
  }

  async function join(options: JoinOptions = {}): Promise<Member> {
    const member = new Member();
    void begin(member, options);
    await clock.settle();
    return member;
  }

  async function publish(...given: Parameters<LogBroker["publish"]>): Promise<void> {
    broker.publish(...given);
    await clock.settle();
  }

  return { clock, broker, hub, errors, join, publish };
}

/** The whole numbers from one to another. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
