import type { Position } from "../protocol/frames.ts";

/** Somebody's doing or seeing, as the checkers get it. */
export type StepKind =
  /** A device published; `id` is empty when the client refused at once. */
  | {
      readonly type: "publish";
      readonly device: string;
      readonly id: string;
      readonly room: string;
      readonly json: string;
      /** Who uses the device, where that is known. */
      readonly user?: string | null;
    }
  | {
      readonly type: "stored";
      readonly device: string;
      readonly id: string;
      readonly room: string;
      readonly position: Position;
    }
  | {
      readonly type: "rejected";
      readonly device: string;
      readonly id: string;
      readonly room: string;
      readonly code: string;
    }
  /** A publish that an earlier life of the device made came to its end. */
  | {
      readonly type: "fate";
      readonly device: string;
      readonly id: string;
      readonly fate: string;
      readonly code: string;
    }
  /** The device's store has a publish. */
  | { readonly type: "kept"; readonly device: string; readonly id: string }
  | {
      readonly type: "server-stored";
      readonly node: string;
      readonly room: string;
      readonly position: Position;
      readonly json: string;
    }
  /** The broker stored an entry: the truth that everything else is held against. */
  | { readonly type: "appended"; readonly room: string; readonly position: Position; readonly data: string }
  /** A listener came into being: `reader` is its own number. */
  | {
      readonly type: "join";
      readonly device: string;
      readonly reader: number;
      readonly room: string;
      readonly start: Position | null;
    }
  | {
      readonly type: "joined";
      readonly device: string;
      readonly reader: number;
      readonly room: string;
      readonly position: Position | null;
    }
  | {
      readonly type: "refused";
      readonly device: string;
      readonly reader: number;
      readonly room: string;
      readonly code: string;
    }
  | {
      readonly type: "message";
      readonly device: string;
      readonly reader: number;
      readonly room: string;
      readonly id: string;
      readonly position: Position;
      readonly json: string;
    }
  | { readonly type: "signal"; readonly device: string; readonly reader: number; readonly room: string }
  | {
      readonly type: "gap";
      readonly device: string;
      readonly reader: number;
      readonly room: string;
      readonly position: Position;
      readonly reason: "trimmed" | "epoch";
    }
  | { readonly type: "leave"; readonly device: string; readonly reader: number; readonly room: string }
  | {
      readonly type: "request";
      readonly device: string;
      readonly call: number;
      readonly name: string;
      readonly json: string;
      readonly idempotent: boolean;
    }
  | { readonly type: "reply"; readonly device: string; readonly call: number; readonly json: string }
  | { readonly type: "failed"; readonly device: string; readonly call: number; readonly code: string }
  /** A handler ran on a node; `input` is the JSON of what it was given. */
  | {
      readonly type: "handled";
      readonly node: string;
      readonly user: string;
      readonly name: string;
      readonly input: string;
    }
  /** The gate answered an upgrade. */
  | { readonly type: "admission"; readonly node: string; readonly user: string | null; readonly ok: boolean }
  | { readonly type: "opened"; readonly node: string; readonly session: string; readonly generation: number }
  | {
      readonly type: "status";
      readonly device: string;
      readonly session: string;
      readonly state: string;
      readonly code: string;
    }
  | { readonly type: "error"; readonly where: string; readonly stage: string; readonly error: unknown }
  /** Ledgers were lost: all of them, or those of one session; `isHarm` where that was done to the store. */
  | { readonly type: "ledgers-lost"; readonly session: string | null; readonly isHarm?: boolean }
  /** The log of one room was lost. */
  | { readonly type: "log-lost"; readonly room: string; readonly epoch: string }
  /** Something was measured that has a bound. */
  | { readonly type: "measured"; readonly what: string; readonly value: number; readonly bound: number }
  /** A node closed a device's connection; `wasSlow`: whose reading had been held up. */
  | { readonly type: "turned-out"; readonly device: string; readonly code: number; readonly wasSlow: boolean }
  /** Somebody tries to open a session that is another's. */
  | { readonly type: "theft"; readonly session: string; readonly generation: number }
  /** A device opens a socket, or asks for a token. */
  | { readonly type: "dial"; readonly device: string }
  /** Somebody else uses a device. */
  | { readonly type: "user-changed"; readonly device: string; readonly user: string }
  | { readonly type: "fault"; readonly text: string }
  | { readonly type: "heal" }
  /** A frame left for the other end; only when a trace is asked for. */
  | { readonly type: "frame"; readonly from: string; readonly to: string; readonly text: string };

/** One thing that happened, with its moment. */
export type Step = StepKind & { readonly atMs: number };

/** Everything that happened in a simulation, in order. */
export class History {
  readonly steps: Step[] = [];
  readonly #nowMs: () => number;
  #readers = 0;
  #calls = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Notes something; the object is the history's from now on. */
  add(kind: StepKind): void {
    const step = kind as StepKind & { atMs: number };
    step.atMs = this.#nowMs();
    this.steps.push(step);
  }

  nextReader(): number {
    return ++this.#readers;
  }

  nextCall(): number {
    return ++this.#calls;
  }

  /** The steps of one type. */
  of<Type extends StepKind["type"]>(type: Type): (Step & { readonly type: Type })[] {
    return this.steps.filter((step): step is Step & { readonly type: Type } => step.type === type);
  }
}
