import type { Contract } from "../contract/contract.ts";
import type { Limits } from "../server/limits.ts";
import { Intruder, type Foothold } from "./intruder.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";

/** What a flood is made of: WebSocket's own frames, pieces of messages that have nothing in them, or frames of the protocol. */
export type FloodKind = "control" | "fragments" | "messages";

const everyMs = 100;
/** How many times as fast as it may the flooder sends. */
const haste = 4;

/** Somebody who sends without end, and whom the server is to hold to its limits. */
export class Flooder {
  readonly #world: World<Contract>;
  readonly #kind: FloodKind;
  readonly #limits: Limits;
  readonly #intruder: Intruder;
  readonly #random: SeededRandom;
  #foothold: Foothold | null = null;
  #sinceMs = 0;
  #isOver = false;

  constructor(world: World<Contract>, token: string, kind: FloodKind, limits: Limits) {
    const { timeline, network } = world;
    this.#world = world;
    this.#kind = kind;
    this.#limits = limits;
    this.#random = world.random.fork("flooder");
    this.#intruder = new Intruder({ name: "flooder", token, timeline, network });
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#isOver = true;
    this.#measure();
    this.#intruder.end();
  }

  #tick(): void {
    if (this.#isOver) return;
    if (!this.#foothold || this.#foothold.line.isServerOver) this.#enter();
    else this.#send(this.#foothold, Math.ceil((haste * this.#limits.framesPerSecond * everyMs) / 1000));
    this.#world.timeline.after(everyMs, () => this.#tick());
  }

  #enter(): void {
    this.#measure();
    this.#sinceMs = this.#world.nowMs;
    this.#foothold = this.#intruder.enter({ secret: this.#random.id(24), generation: 1, rooms: [] });
  }

  #send({ line, socket }: Foothold, frames: number): void {
    if (!line.isOpened) return;
    if (this.#kind === "control") line.sendEmpty(frames, 0);
    else if (this.#kind === "fragments") line.sendEmpty(frames, 1);
    else for (let left = frames; left > 0; left -= 1) socket.send('{"type":"ping"}');
  }

  /** Notes how much of the flood the server took in. */
  #measure(): void {
    if (!this.#foothold) return;
    const { framesBurst, framesPerSecond } = this.#limits;
    const seconds = (this.#world.nowMs - this.#sinceMs) / 1000;
    const lot = Math.ceil((haste * framesPerSecond * everyMs) / 1000);
    const bound = framesBurst + framesPerSecond * seconds + lot;
    const value = this.#foothold.line.takenFrames;
    this.#world.history.add({
      type: "measured",
      what: `frames taken of a flood (${this.#kind})`,
      value,
      bound,
    });
  }
}
