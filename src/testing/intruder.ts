import type { TransportSocket } from "../client/socket.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { HelloFrame } from "../protocol/frames.ts";
import type { Line } from "./line.ts";
import type { Network } from "./network.ts";
import { SimProcess } from "./sim-process.ts";
import type { Timeline } from "./timeline.ts";

/** What an {@link Intruder} is let in with, and told. */
export interface IntruderOptions {
  readonly name: string;
  readonly token: string;
  readonly timeline: Timeline;
  readonly network: Network;
}

/** A connection of an {@link Intruder}. */
export interface Foothold {
  readonly line: Line;
  readonly socket: TransportSocket;
}

/** Somebody with a good token who speaks the protocol by hand, and not as a client would. */
export class Intruder {
  readonly #options: IntruderOptions;
  readonly #process: SimProcess;

  constructor(options: IntruderOptions) {
    this.#options = options;
    this.#process = new SimProcess(options.name, options.timeline);
  }

  /** Connects, and says hello. `received` gets every frame. Null: nobody listens. */
  enter(
    { secret, generation, rooms }: Pick<HelloFrame, "secret" | "generation" | "rooms">,
    received: (text: string) => void = () => {},
  ): Foothold | null {
    const { name, token, network } = this.#options;
    const transport = network.transport(name, this.#process, new Set());
    const socket = transport.open("", token, {
      opened: () => socket.send(encodeFrame({ type: "hello", secret, generation, rooms })),
      received,
      closed: () => {},
    });
    const line = network.linesOf(this.#process).at(-1);
    return line ? { line, socket } : null;
  }

  /** Is gone for good. */
  end(): void {
    this.#process.kill();
    this.#options.network.died(this.#process, true);
  }
}
