import { SeededRandom } from "../../../src/testing/seeded-random.ts";

// What a script is made of. Nodes, rooms and sessions are numbers, so that a step means something whatever was left out
// before it: a node that does not live is the first one that does.

/** One publish of a script. */
export interface AppendStep {
  readonly do: "append";
  readonly node: number;
  readonly room: number;
  /** Its sender; null for the server itself. */
  readonly session: number | null;
  readonly ref: number;
  /** Whether it names the ledgers that the session has, others, or none. */
  readonly ledgers: "own" | "other" | "any";
  /** Where the log has to end. */
  readonly at: "end" | "elsewhere" | "anywhere";
}

export type Step =
  | AppendStep
  /** Publishes of one sender on one node, made at once: only those of one sender have an order. */
  | { readonly do: "appends"; readonly appends: readonly AppendStep[] }
  | {
      readonly do: "find";
      readonly node: number;
      readonly room: number;
      readonly session: number;
      readonly ref: number;
    }
  | {
      readonly do: "read";
      readonly node: number;
      readonly room: number;
      readonly after: number;
      readonly limit: number;
    }
  | { readonly do: "subscribe" | "unsubscribe"; readonly node: number; readonly room: number }
  | { readonly do: "signal"; readonly node: number; readonly room: number }
  | {
      readonly do: "open";
      readonly node: number;
      readonly session: number;
      readonly generation: number;
      readonly isOther: boolean;
    }
  | { readonly do: "renew"; readonly node: number; readonly session: number }
  | { readonly do: "claim" | "answer"; readonly node: number; readonly session: number; readonly ref: number }
  | {
      readonly do: "enter" | "exit";
      readonly node: number;
      readonly room: number;
      readonly session: number;
      readonly generation: number;
    }
  | { readonly do: "members"; readonly node: number; readonly room: number; readonly limit: number }
  /** Waits until everything that was told has come. */
  | { readonly do: "settle" }
  | { readonly do: "start" | "stop" | "crash"; readonly node: number }
  /** The data is put aside, for `older`. */
  | { readonly do: "copy" }
  /** The service ends or stands still, while a publish may be under way, and is back with what it had, or not. */
  | { readonly do: "service"; readonly how: ServiceFault; readonly during: AppendStep | null };

export type ServiceFault = "kill" | "freeze" | "wipe" | "older";

/** What can be done to a broker. */
export interface Abilities {
  readonly nodesMax: number;
  readonly canCrash: boolean;
  readonly faults: readonly ServiceFault[];
}

const rooms = 3;
const sessions = 3;

const weights = {
  append: 30,
  appends: 8,
  find: 6,
  read: 8,
  subscribe: 6,
  unsubscribe: 3,
  signal: 3,
  open: 10,
  renew: 1,
  claim: 7,
  answer: 5,
  enter: 7,
  exit: 4,
  members: 3,
  settle: 3,
  start: 2,
  stop: 1,
  crash: 1,
  copy: 2,
  service: 2,
};

interface Place {
  readonly node: number;
  readonly room: number;
  readonly session: number;
}

/** Draws a script: the same one for the same seed. */
export function drawScript(seed: number, length: number, abilities: Abilities): Step[] {
  const draw = new ScriptDraw(new SeededRandom(seed), abilities);
  // Nothing can be done without a session; and what nobody follows shows less.
  const steps: Step[] = [];
  for (let session = 0; session < sessions; session += 1)
    steps.push({ do: "open", node: session, session, generation: 1, isOther: false });
  steps.push({ do: "subscribe", node: 0, room: 0 });
  while (steps.length < length) {
    const step = draw.step();
    if (step) steps.push(step);
  }
  return steps;
}

class ScriptDraw {
  readonly #random: SeededRandom;
  readonly #abilities: Abilities;
  readonly #refs: number[] = Array.from({ length: sessions }, () => 0);
  readonly #generations: number[] = Array.from({ length: sessions }, () => 1);
  #hasCopy = false;

  constructor(random: SeededRandom, abilities: Abilities) {
    this.#random = random;
    this.#abilities = abilities;
  }

  /** A step; null where what was drawn can't be done to this broker. */
  step(): Step | null {
    const random = this.#random;
    const [node, room, session] = [this.#node(), random.int(0, rooms - 1), random.int(0, sessions - 1)];
    const kind = random.weighted(weights);
    switch (kind) {
      case "append":
        return this.#append(node);
      case "appends": {
        const sender = random.chance(0.8) ? session : null;
        const appends = Array.from({ length: random.int(2, 6) }, () => this.#append(node, sender));
        return { do: kind, appends };
      }
      default:
        return this.#call(kind, { node, room, session });
    }
  }

  #call(kind: Exclude<keyof typeof weights, "append" | "appends">, place: Place): Step | null {
    const random = this.#random;
    const { node, room, session } = place;
    switch (kind) {
      case "find":
        return { do: kind, node, room, session, ref: this.#ref(session, 0.9) };
      case "read":
        return { do: kind, node, room, after: random.int(0, 12), limit: random.pick([0, 1, 3, 100]) };
      case "open":
        return {
          do: kind,
          node,
          session,
          generation: this.#generation(session),
          isOther: random.chance(0.1),
        };
      case "claim":
      case "answer":
        return { do: kind, node, session, ref: this.#ref(session, kind === "answer" ? 0.9 : 0.4) };
      case "enter":
      case "exit":
        return { do: kind, node, room, session, generation: this.#generations[session] as number };
      case "members":
        return { do: kind, node, room, limit: random.pick([0, 1, 10]) };
      case "settle":
        return { do: kind };
      case "renew":
        return { do: kind, node, session };
      case "subscribe":
      case "unsubscribe":
      case "signal":
        return { do: kind, node, room };
      default:
        return this.#mishap(kind, node);
    }
  }

  #mishap(kind: "start" | "stop" | "crash" | "copy" | "service", node: number): Step | null {
    const { nodesMax, canCrash, faults } = this.#abilities;
    if (kind === "service") {
      const how = faults.length > 0 ? this.#random.pick(faults) : null;
      if (how === null || (how === "older" && !this.#hasCopy)) return null;
      const during = this.#random.chance(0.6) ? this.#append(node) : null;
      return { do: kind, how, during };
    }
    if (kind === "copy") {
      if (!faults.includes("older")) return null;
      this.#hasCopy = true;
      return { do: kind };
    }
    if (kind === "crash" && !canCrash) return null;
    return nodesMax > 1 || kind !== "start" ? { do: kind, node } : null;
  }

  #append(node: number, sender?: number | null): AppendStep {
    const random = this.#random;
    const drawn = random.chance(0.8) ? random.int(0, sessions - 1) : null;
    const session = sender === undefined ? drawn : sender;
    return {
      do: "append",
      node,
      room: random.int(0, rooms - 1),
      session,
      ref: session === null ? 0 : this.#ref(session, 0.25),
      ledgers: random.weighted({ own: 6, any: 2, other: 1 }),
      at: random.weighted({ anywhere: 12, end: 1, elsewhere: 1 }),
    };
  }

  /** The next ref of a session, or, this often, one that it may have had. */
  #ref(session: number, again: number): number {
    const last = this.#refs[session] as number;
    if (last > 0 && this.#random.chance(again)) return Math.max(1, last - this.#random.int(0, 4));
    return (this.#refs[session] = last + this.#random.pick([1, 1, 1, 2]));
  }

  #generation(session: number): number {
    const last = this.#generations[session] as number;
    if (this.#random.chance(0.3)) return Math.max(0, last - this.#random.int(0, 1));
    return (this.#generations[session] = last + 1);
  }

  #node(): number {
    return this.#random.int(0, this.#abilities.nodesMax - 1);
  }
}
