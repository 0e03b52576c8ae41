/** The page's end of the line control: asks the server to cut the relay that this tab's connections run through. */

export class LineControl {
  isCut = false;
  /** The last question got no answer, so that `isCut` is what was known before. */
  isUnanswered = false;
  readonly #id: string;
  readonly #changed: () => void;
  readonly #mended: () => void;

  constructor(id: string, changed: () => void, mended: () => void) {
    this.#id = id;
    this.#changed = changed;
    this.#mended = mended;
  }

  /** Where the client connects: through this tab's line. */
  get url(): string {
    return `/bowline?line=${this.#id}`;
  }

  /** Looks how the line stands: a reload does not mend it, and a server that starts anew does. */
  async refresh(): Promise<void> {
    await this.#ask("GET", "");
  }

  async setCut(isCut: boolean): Promise<void> {
    await this.#ask("POST", isCut ? "/cut" : "/restore");
    if (!isCut) this.#mended();
  }

  /** Closes the connection; the client comes back by itself. */
  async drop(): Promise<void> {
    await this.#ask("POST", "/drop");
  }

  async #ask(method: string, action: string): Promise<void> {
    try {
      const response = await fetch(`/line/${this.#id}${action}`, { method });
      this.isCut = ((await response.json()) as { isCut: boolean }).isCut;
      this.isUnanswered = false;
    } catch {
      this.isUnanswered = true;
    }
    this.#changed();
  }
}
