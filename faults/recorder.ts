import type { Position } from "bowline/protocol";
import type { Message, Participant, RoomName } from "./contenders/contender.ts";
import type { Acknowledged, History, ReaderLog, Refused, Sent, Told } from "./history.ts";

interface OpenLog extends ReaderLog {
  readonly told: Told[];
}

/** Writes down what everybody sends and is told. */
export class Recorder {
  readonly #sent: Sent[] = [];
  readonly #acknowledged: Acknowledged[] = [];
  readonly #refused: Refused[] = [];
  readonly #logs: OpenLog[] = [];
  readonly #ends = new Map<string, Position>();
  #delivered = 0;

  get sent(): number {
    return this.#sent.length;
  }

  /** Publishes that are neither acknowledged nor refused. */
  get unsettled(): number {
    return this.#sent.length - this.#acknowledged.length - this.#refused.length;
  }

  get delivered(): number {
    return this.#delivered;
  }

  /** How many readers are not where their room's log ended, be it by a delivery or by a gap; see {@link publishLast}. */
  get behind(): number {
    return this.#logs.filter(({ room, told }) => {
      const end = this.#ends.get(room);
      const place = told.at(-1)?.position;
      return !end || !place || place.epoch !== end.epoch || place.offset < end.offset;
    }).length;
  }

  get history(): History {
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      readers: this.#logs,
      ends: this.#ends,
    };
  }

  /** The log of a new reader. */
  reader(name: string, rooms: readonly RoomName[]): (room: RoomName, told: Told) => void {
    const logs = new Map(rooms.map((room): [RoomName, OpenLog] => [room, { reader: name, room, told: [] }]));
    this.#logs.push(...logs.values());
    return (room, told) => {
      const log = logs.get(room);
      if (!log) throw new Error(`${name} was told of ${room}, where it is not`);
      log.told.push(told);
      if (told.type === "delivered") this.#delivered += 1;
    };
  }

  /** Publishes, and notes how it ends. */
  async publish(participant: Participant, room: RoomName, message: Message): Promise<Position | null> {
    const { id, sender, n } = message;
    this.#sent.push({ id, sender, n, room });
    try {
      const position = await participant.publish(room, message);
      this.#acknowledged.push({ id, position });
      return position;
    } catch (error) {
      this.#refused.push({ id, code: String((error as { code?: unknown }).code ?? error) });
      return null;
    }
  }

  /** Publishes what will be the last message of a room: where it stands, the log ends. */
  async publishLast(participant: Participant, room: RoomName, message: Message): Promise<void> {
    const position = await this.publish(participant, room, message);
    if (position) this.#ends.set(room, position);
  }
}
