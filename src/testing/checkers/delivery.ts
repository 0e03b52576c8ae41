import type { Position } from "../../protocol/frames.ts";
import type { Step } from "../history.ts";
import { placeOf, type Log } from "./log.ts";
import type { Violation } from "./violation.ts";

/** What checking deliveries needs to know besides the history. */
export interface DeliveryRules {
  /** How many publications a room keeps. */
  readonly historyCount: (room: string) => number;
  /** Whether publications may be given up for their age within the run. */
  readonly mayAge: boolean;
  /** Who may not read a room; default: everybody may. */
  readonly mayRead?: (device: string, room: string) => boolean;
}

interface Run {
  last: Position | null;
  left: boolean;
}

type Of<Type extends Step["type"]> = Step & { readonly type: Type };

/**
 * Each listener saw an unbroken run of its room's log, each entry once, as it is stored, with a gap told of wherever the
 * run begins anew; never for nothing; and nothing before it had joined or after it had left.
 */
export function checkDeliveries(steps: readonly Step[], log: Log, rules: DeliveryRules): Violation[] {
  return new DeliveryCheck(log, rules).check(steps);
}

class DeliveryCheck {
  readonly #log: Log;
  readonly #rules: DeliveryRules;
  readonly #runs = new Map<number, Run>();
  readonly #heads = new Map<string, number>();
  /** Rooms whose log was lost at some time; null in it: all of them. */
  readonly #lost = new Set<string | null>();
  readonly #violations: Violation[] = [];

  constructor(log: Log, rules: DeliveryRules) {
    this.#log = log;
    this.#rules = rules;
  }

  check(steps: readonly Step[]): Violation[] {
    for (const step of steps) this.#step(step);
    return this.#violations;
  }

  #step(step: Step): void {
    switch (step.type) {
      case "appended":
        this.#heads.set(`${step.room} ${step.position.epoch}`, step.position.offset);
        break;
      case "ledgers-lost":
        // Whoever loses all ledgers loses all logs with them: nothing that was in one can be had any more.
        if (step.session !== null) break;
        this.#lost.add(null);
        for (const log of this.#heads.keys()) this.#heads.set(log, Infinity);
        break;
      case "log-lost":
        this.#lost.add(step.room);
        this.#heads.set(`${step.room} ${step.epoch}`, Infinity);
        break;
      case "join":
        this.#runs.set(step.reader, { last: step.start, left: false });
        break;
      case "joined":
        this.#joined(step);
        break;
      case "message":
        this.#message(step);
        break;
      case "signal":
        if (this.#run(step).left) this.#fail(step, "got a signal after it had left");
        this.#mayRead(step);
        break;
      case "gap":
        this.#gap(step);
        break;
      case "leave":
        this.#run(step).left = true;
        break;
      default:
    }
  }

  #joined(step: Of<"joined">): void {
    const run = this.#run(step);
    run.last ??= step.position;
    this.#mayRead(step);
  }

  #message(step: Of<"message">): void {
    const { position, room, id, json } = step;
    const run = this.#run(step);
    const { last } = run;
    run.last = position;
    this.#mayRead(step);
    const place = placeOf(room, position);
    const fail = (what: string): void => this.#fail(step, `got ${place} (${id}) ${what}`);
    if (run.left) return fail("after it had left");
    if (!last) return fail("before it had joined");
    if (position.epoch !== last.epoch || position.offset !== last.offset + 1)
      return fail(`after ${last.epoch} ${last.offset}, and no gap was told of`);
    const stored = this.#log.byPlace.get(place);
    if (stored?.id !== id || stored.json !== json)
      fail(`${json}, where the log has ${stored?.id} ${stored?.json}`);
  }

  #gap(step: Of<"gap">): void {
    const run = this.#run(step);
    const { last } = run;
    run.last = step.position;
    if (run.left) return this.#fail(step, "was told of a gap after it had left");
    if (!last) return this.#fail(step, "was told of a gap before it had joined");
    if (step.position.epoch !== last.epoch) {
      if (!this.#lost.has(null) && !this.#lost.has(step.room))
        this.#fail(step, `was told of another log than ${last.epoch}, which was not lost`);
      return;
    }
    if (step.position.offset < last.offset)
      this.#fail(step, `was sent back from ${last.offset} to ${step.position.offset} of the same log`);
    const head = this.#heads.get(`${step.room} ${last.epoch}`) ?? 0;
    const base = head - this.#rules.historyCount(step.room);
    if (last.offset < base || this.#rules.mayAge) return;
    this.#fail(step, `was told of a gap (${step.reason}) at ${last.offset}, which the log still held`);
  }

  #mayRead(step: {
    readonly device: string;
    readonly reader: number;
    readonly room: string;
    readonly atMs: number;
  }): void {
    if (this.#rules.mayRead?.(step.device, step.room) === false) this.#fail(step, "got what it may not read");
  }

  #run({ reader }: { readonly reader: number }): Run {
    let run = this.#runs.get(reader);
    if (!run) this.#runs.set(reader, (run = { last: null, left: false }));
    return run;
  }

  #fail(
    { device, reader, room, atMs }: { device: string; reader: number; room: string; atMs: number },
    what: string,
  ): void {
    this.#violations.push({
      checker: "delivery",
      message: `${device} (reader ${reader} of ${room}) ${what}`,
      atMs,
    });
  }
}
