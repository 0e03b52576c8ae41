import { contract, event, request, room, signal, type Contract } from "../contract/contract.ts";
import type { Schema } from "../contract/schema.ts";

/** What a swarm's publishes carry: a number that none other has, and ballast. */
export interface Note {
  readonly n: number;
  readonly fill: string;
}

/** What its members show. */
export interface Mood {
  readonly mood: number;
  readonly fill?: string;
}

function schema<T>(fits: (value: unknown) => boolean): Schema<T> {
  return {
    "~standard": {
      version: 1,
      vendor: "bowline",
      validate: (value) => (fits(value) ? { value: value as T } : { issues: [{ message: "does not fit" }] }),
    },
  };
}

const note: Schema<Note> = schema((value) => typeof (value as Note | null)?.n === "number");
const mood: Schema<Mood> = schema((value) => typeof (value as { mood?: unknown } | null)?.mood === "number");

/** What swarms speak: rooms that keep as much as a seed says, one that not everybody may read, and two requests. */
export function swarmContract(historyCount: number): SwarmContract {
  const history = { count: historyCount };
  const events = { note: event(note), notice: event(note, { from: "server" }), hint: signal(note) };
  return contract({
    rooms: {
      "open/:room": room({ events, presence: mood, history }),
      "closed/:room": room({ events, history }),
    },
    requests: {
      once: request({ input: note, output: note }),
      again: request({ input: note, output: note, idempotent: true }),
    },
  });
}

export type SwarmContract = Contract;
