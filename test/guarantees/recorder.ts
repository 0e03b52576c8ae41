import type { Gap, Message } from "bowline/client";

/** Any room that has numbers. */
interface NumbersRoom {
  on(event: "number", listener: (message: Message<{ n: number }>) => void): unknown;
  onGap(listener: (gap: Gap) => void): unknown;
}

/** Writes down what a reader of a room of numbers is given, and lets a test wait for it. */
export class Recorder {
  readonly messages: Message<{ n: number }>[] = [];
  readonly gaps: Gap[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(room: NumbersRoom) {
    room.on("number", (message) => {
      this.messages.push(message);
      this.#wake();
    });
    room.onGap((gap) => {
      this.gaps.push(gap);
      this.#wake();
    });
  }

  get numbers(): number[] {
    return this.messages.map(({ payload }) => payload.n);
  }

  /** The numbers that one user sent. */
  numbersFrom(user: string): number[] {
    return this.messages.filter(({ from }) => from === user).map(({ payload }) => payload.n);
  }

  count(count: number): Promise<void> {
    return this.until(() => this.messages.length >= count);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** The numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
