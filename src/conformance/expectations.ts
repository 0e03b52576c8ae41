import { arrivalText, type Arrival, type Receiver } from "./arrival.ts";
import type { JsonObject } from "./case.ts";
import { mismatch, shown } from "./match.ts";
import { numbered, type Scope } from "./scope.ts";

/** Holds what sockets get against what a case expects. Each rejects with what was expected and what came. */
export class Expectations {
  readonly #scope: Scope;
  readonly #waitMs: number;

  constructor(scope: Scope, waitMs: number) {
    this.#scope = scope;
    this.#waitMs = waitMs;
  }

  /** The next thing that comes. */
  async next(socket: Receiver, expected: string): Promise<Arrival> {
    const arrival = await socket.next(this.#waitMs);
    if (arrival) return arrival;
    throw new Error(`expected ${expected}\ncame     nothing within ${this.#waitMs} ms`);
  }

  /** The next frames are these, in any order. */
  async frames(socket: Receiver, patterns: readonly unknown[]): Promise<void> {
    const left = [...patterns];
    while (left.length > 0) {
      const expected = left.map((pattern) => shown(pattern)).join(" or ");
      const arrival = await this.next(socket, expected);
      if (arrival.kind !== "frame") throw unexpected(expected, arrival);
      const whys = left.map((pattern) => mismatch(pattern, arrival.frame, this.#scope));
      const index = whys.indexOf(null);
      if (index < 0) throw unexpected(expected, arrival, whys.join("\n"));
      left.splice(index, 1);
    }
  }

  /** A frame that fits comes; others are passed over, but none that fits `without` may be among them. */
  async until(socket: Receiver, pattern: JsonObject, without?: JsonObject): Promise<void> {
    const expected = `${shown(pattern)} at last${without ? `, without ${shown(without)}` : ""}`;
    for (;;) {
      const arrival = await this.next(socket, expected);
      if (arrival.kind === "closed") throw unexpected(expected, arrival);
      if (arrival.kind !== "frame") continue;
      if (mismatch(pattern, arrival.frame, this.#scope) === null) return;
      if (without && mismatch(without, arrival.frame, this.#scope) === null)
        throw unexpected(expected, arrival);
    }
  }

  /** The next frames fit, one after another, with their number in the place of `$i`. */
  async count(socket: Receiver, pattern: JsonObject, times: number): Promise<void> {
    for (let index = 1; index <= times; index += 1) await this.frames(socket, [numbered(pattern, index)]);
  }

  /** The socket is closed with a code that fits: next, or with `skipping` at last. */
  async closed(socket: Receiver, code: unknown, skipping: boolean): Promise<void> {
    const expected = `close ${shown(code)}`;
    for (;;) {
      const arrival = await this.next(socket, expected);
      if (arrival.kind !== "closed" && skipping) continue;
      if (arrival.kind === "closed" && mismatch(code, arrival.code, this.#scope) === null) return;
      throw unexpected(expected, arrival);
    }
  }
}

/** What came in the place of something else. */
export function unexpected(expected: string, arrival: Arrival, why = ""): Error {
  const text = arrivalText(arrival);
  const came =
    text.length > cameLengthMax ? `${text.slice(0, cameLengthMax)}… (${text.length} characters)` : text;
  return new Error(`expected ${expected}\ncame     ${came}${why && `\n${why}`}`);
}

const cameLengthMax = 600;
