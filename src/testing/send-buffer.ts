import type { SimProcess } from "./sim-process.ts";

interface Waiting {
  readonly bytes: number;
  readonly leave: () => void;
}

/** What a node has sent to a socket and the other end has not taken yet. */
export class SendBuffer {
  /** The most bytes that waited at a time. */
  peakBytes = 0;
  readonly #process: SimProcess;
  readonly #drainBytes: number;
  readonly #drained: () => void;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #wasFull = false;
  #leaving = false;
  #stalled = false;
  #bytesPerMs = Infinity;

  /** `drained` is called when the buffer, having been above `drainBytes`, is empty. */
  constructor(process: SimProcess, drainBytes: number, drained: () => void) {
    this.#process = process;
    this.#drainBytes = drainBytes;
    this.#drained = drained;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds something that leaves when the other end takes it; call `pump` after the last of a write. */
  put(bytes: number, leave: () => void): void {
    this.#waiting.push({ bytes, leave });
    this.#bytes += bytes;
  }

  /** Lets go what the other end takes: everything at once, or one frame after another. */
  pump(): void {
    while (this.#waiting.length > 0 && !this.#stalled && this.#bytesPerMs === Infinity) this.#leave();
    this.peakBytes = Math.max(this.peakBytes, this.#bytes);
    this.#wasFull ||= this.#bytes > this.#drainBytes;
    const first = this.#waiting[0];
    if (!first || this.#stalled || this.#leaving) return;
    this.#leaving = true;
    this.#process.timeline.after(first.bytes / this.#bytesPerMs, () => {
      this.#leaving = false;
      if (!this.#stalled && this.#waiting.length > 0) this.#leave();
      this.pump();
    });
  }

  stall(): void {
    this.#stalled = true;
  }

  slowDown(bytesPerMs: number): void {
    this.#bytesPerMs = bytesPerMs;
  }

  /** Ends `stall` and `slowDown`. */
  flow(): void {
    this.#stalled = false;
    this.#bytesPerMs = Infinity;
    this.pump();
  }

  /** What waits is lost. */
  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #leave(): void {
    const first = this.#waiting.shift() as Waiting;
    this.#bytes -= first.bytes;
    first.leave();
    if (this.#waiting.length > 0 || !this.#wasFull) return;
    this.#wasFull = false;
    this.#process.timeline.after(0, () => this.#process.run(this.#drained));
  }
}
