/** Places that are remembered as told. */
const placesMax = 100;

/** Tells people of what is in Redis and is none of ours: each place once, until many others were told. */
export class Damage {
  readonly #tell: (error: Error) => void;
  readonly #told = new Set<string>();

  constructor(tell: (error: Error) => void) {
    this.#tell = tell;
  }

  /** `place`: the key or channel. */
  report(place: string, what: string): void {
    if (this.#told.has(place)) return;
    if (this.#told.size >= placesMax) this.#told.clear();
    this.#told.add(place);
    this.#tell(new Error(`redis broker: "${place}": ${what}`));
  }
}
