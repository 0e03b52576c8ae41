import type { Position } from "bowline/protocol";
import type { Told } from "../history.ts";

export type ContenderName = "bowline" | "socket.io";

/** What keeps the logs: in the server's own process, or a service that several servers share. */
export type BrokerName = "memory" | "sqlite" | "redis" | "nats";

/** Where a server finds its broker. */
export interface BrokerAddress {
  readonly name: BrokerName;
  /** 0 for one that is in the server's own process. */
  readonly port: number;
  /** Where the SQLite broker keeps its file; empty for the others. */
  readonly folder: string;
}

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

/** A server that listens. */
export interface Serving {
  readonly port: number;
  /** Lets its clients go to other servers, and ends. */
  drain(): Promise<void>;
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

/** One of the frameworks under test. */
export interface Contender {
  /** Listens on 127.0.0.1; 0 takes a free port. */
  serve(port: number, broker: BrokerAddress): Promise<Serving>;
  /** Starts a client; resolves when it is in all its rooms. */
  participate(participation: Participation): Promise<Participant>;
}

/** How often the server looks whether a client is alive: the same for all. */
export const heartbeatMs = 2000;

/** The longest wait between two attempts to connect: about the same for all. */
export const reconnectMsMax = 1500;
