/**
 * Most frames of one socket that are handed over in one turn of the event loop. What a frame may cost, with the handlers
 * it calls, is up to the application: everybody else waits for so many of them, and no longer.
 */
const framesMax = 16;
/** The same in bytes, in whole reads: those of Node have no more. */
const bytesMax = 65_536;

/** Something that waits for the next turn. */
export interface Waiting {
  goOn(): void;
}

/**
 * Shares the turns of the event loop out. One socket has no more than its share of a turn and goes on in the next one,
 * behind the others: what a client sends at once holds up its neighbours for one share, however much it is. The reads
 * of one socket in one turn come one after another, with no other socket's between them, so one count does for all.
 */
export class Turns {
  #socket: Waiting | null = null;
  #frames = 0;
  #bytes = 0;
  #isArmed = false;
  #waiting: Waiting[] = [];

  /** How many frames of a socket, whose bytes have come, may be handed over now. */
  framesFor(socket: Waiting): number {
    if (this.#socket !== socket) {
      this.#socket = socket;
      this.#frames = 0;
      this.#bytes = 0;
    }
    return framesMax - this.#frames;
  }

  /** Takes them from its share. False: it has had it, and must {@link wait} before it is read again. */
  spend(frames: number, bytes: number): boolean {
    this.#frames += frames;
    this.#bytes += bytes;
    // Where one socket alone has something to say, its share begins anew with each turn. Few need to be told.
    if (this.#frames > framesMax / 2 || this.#bytes > bytesMax / 2) this.#arm();
    return this.#bytes < bytesMax;
  }

  /** Lets a socket go on in the next turn. */
  wait(socket: Waiting): void {
    this.#waiting.push(socket);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const waiting = this.#waiting;
    this.#isArmed = false;
    this.#socket = null;
    this.#waiting = [];
    for (const socket of waiting) socket.goOn();
  };
}
