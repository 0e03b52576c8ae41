import type { Participant, Participate, RoomName } from "./contenders/contender.ts";
import type { Recorder } from "./recorder.ts";

/** How much is said, and where. */
export interface WorkloadOptions {
  readonly clients: number;
  /** Whether some rooms keep so little history that who is away for long misses something. */
  readonly shortRooms: boolean;
}

interface Member {
  readonly name: string;
  readonly rooms: readonly RoomName[];
  readonly participant: Participant;
  n: number;
}

const clientsPerRoom = 10;
const publishesPerSecond = 2;
/** One room in so many is short. */
const shortEach = 10;
/**
 * The messages of one room are large. It has about 20 of them a second: a reader that stalls for some seconds then has
 * filled the 4 MB that the machine's own buffers take, and has become slow for the server.
 */
const heavyRoom = 1;
const heavyUnits = 56_000;
const lightUnits = 100;
/** Clients that start at the same time. */
const startBatch = 50;

/** The clients: each is in two rooms, reads both, and publishes to them in turn. */
export class Workload {
  readonly rooms: readonly RoomName[];
  readonly #recorder: Recorder;
  readonly #members: Member[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(recorder: Recorder, { clients, shortRooms }: WorkloadOptions) {
    this.#recorder = recorder;
    const count = Math.max(3, Math.ceil(clients / clientsPerRoom));
    this.rooms = Array.from({ length: count }, (_, index): RoomName => {
      const isShort = shortRooms && index % shortEach === 0;
      return isShort ? `short/${index}` : `long/${index}`;
    });
  }

  /** How many times a client takes others for present in one of its rooms than those who are. */
  get mistaken(): number {
    const present = (room: RoomName): string =>
      this.#members
        .filter(({ rooms }) => rooms.includes(room))
        .map(({ name }) => name)
        .toSorted()
        .join();
    const truth = new Map(this.rooms.map((room) => [room, present(room)]));
    return this.#members
      .flatMap(({ rooms, participant }) => rooms.map((room) => ({ room, seen: participant.present(room) })))
      .filter(({ room, seen }) => seen !== null && seen.toSorted().join() !== truth.get(room)).length;
  }

  /** Starts all clients, each in its way; resolves when each is in its rooms. */
  async join(ways: readonly Participate[], port: number): Promise<void> {
    for (let from = 0; from < ways.length; from += startBatch) {
      const batch = ways.slice(from, from + startBatch);
      await Promise.all(batch.map((participate, index) => this.#start(participate, port, from + index)));
    }
  }

  /** Publishes at a steady rate, each client at its own moments, until `stop`. */
  start(): void {
    const everyMs = 1000 / publishesPerSecond;
    this.#members.forEach((member, index) => {
      const firstMs = (everyMs * index) / this.#members.length;
      const timer = setTimeout(() => {
        this.#timers.push(setInterval(() => this.#publish(member), everyMs));
      }, firstMs);
      this.#timers.push(timer);
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  /** Publishes a last message to each room, from a client of its own. */
  async publishLast(participate: Participate, port: number): Promise<void> {
    const participant = await participate({ port, name: null, rooms: [], log: () => {} });
    this.#members.push({ name: "last", rooms: [], participant, n: 0 });
    await Promise.all(
      this.rooms.map(async (room, index) => {
        const message = { id: `last:${index + 1}`, sender: "last", n: index + 1, padding: "" };
        await this.#recorder.publishLast(participant, room, message);
      }),
    );
  }

  close(): void {
    this.stop();
    for (const { participant } of this.#members) participant.close();
  }

  async #start(participate: Participate, port: number, index: number): Promise<void> {
    const name = `client${index + 1}`;
    const rooms = this.#roomsOf(index);
    const log = this.#recorder.reader(name, rooms);
    const participant = await participate({ port, name, rooms, log });
    this.#members.push({ name, rooms, participant, n: 0 });
  }

  /** Two neighbours in a ring whose step changes with each turn, so that rooms share clients in many ways. */
  #roomsOf(index: number): RoomName[] {
    const count = this.rooms.length;
    const first = index % count;
    const step = 1 + (Math.floor(index / count) % (count - 1));
    return [first, (first + step) % count].flatMap((at) => this.rooms[at] ?? []);
  }

  #publish(member: Member): void {
    const { name: sender, rooms, participant } = member;
    const n = ++member.n;
    const room = rooms[n % rooms.length];
    if (room === undefined) return;
    const padding = "x".repeat(room === this.rooms[heavyRoom] ? heavyUnits : lightUnits);
    void this.#recorder.publish(participant, room, { id: `${sender}:${n}`, sender, n, padding });
  }
}
