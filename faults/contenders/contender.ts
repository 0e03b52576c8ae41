import { fileURLToPath } from "node:url";
import type { Position } from "bowline/protocol";
import type { Told } from "../history.ts";

export type ContenderName = "bowline" | "socket.io";

/** What keeps the logs: in the server's own process, or a service that several servers share. */
export type BrokerName = "memory" | "sqlite" | "redis" | "nats";

/** A room of the workload. `short` ones keep little history, so that who is away for long misses something. */
export type RoomName = `long/${number}` | `short/${number}`;

/** What clients send each other. */
export interface Message {
  readonly id: string;
  readonly sender: string;
  readonly n: number;
  /** Makes some messages large. */
  readonly padding: string;
}

/** One client of the workload. */
export interface Participant {
  /** Resolves with the position when it is stored; rejects with an error that has a `code`. */
  publish(room: RoomName, message: Message): Promise<Position>;
  /** Names of those it takes for present in a room; null where the contender has no presence. */
  present(room: RoomName): readonly string[] | null;
  close(): void;
}

/** Who takes part, and where. */
export interface Participation {
  /** Its name, which others see it present by; null for one that does not want to be seen. */
  readonly name: string | null;
  readonly port: number;
  readonly rooms: readonly RoomName[];
  /** Told of everything this client is told. */
  readonly log: (room: RoomName, told: Told) => void;
}

/** Starts a client; resolves when it is in all its rooms. */
export type Participate = (participation: Participation) => Promise<Participant>;

/** One of the frameworks under test. */
export interface Contender {
  /** Starts a server, as docs/guarantees.md says. For the shell. */
  readonly serverCommand: string;
  readonly participate: Participate;
}

/** How often the server looks whether a client is alive: the same for all. */
export const heartbeatMs = 2000;

/** The longest wait between two attempts to connect: about the same for all. */
export const reconnectMsMax = 1500;

/** The command that runs a script of this project from source. `path` is relative to its root. */
export function sourceCommand(path: string): string {
  const file = (name: string): string =>
    JSON.stringify(fileURLToPath(new URL(`../../${name}`, import.meta.url)));
  const loader = JSON.stringify(import.meta.resolve("tsx"));
  return `${JSON.stringify(process.execPath)} --import ${loader} --conditions=bowline-source ${file(path)}`;
}
