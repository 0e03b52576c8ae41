import { hashOf } from "../contract/contract-hash.ts";
import type { Contract } from "../contract/contract.ts";
import { outlineOf, type Outline } from "../contract/outline.ts";
import type { WelcomeFrame } from "../protocol/frames.ts";
import type { Caller, Logging } from "./logging/logging.ts";

/** Hashes that are kept, so that each is told once. Whoever has more of them learns nothing from another. */
export const hashesMax = 100;

/** Tells clients, and the logger, that a client has another contract than this server. */
export class ClientContracts {
  readonly #outline: Outline;
  readonly #hash: string;
  readonly #logging: Logging;
  readonly #told = new Set<string>();

  constructor({ contract, logging }: { readonly contract: Contract; readonly logging: Logging }) {
    this.#outline = outlineOf(contract);
    this.#hash = hashOf(this.#outline);
    this.#logging = logging;
  }

  /** What a welcome says to a hello with this hash. */
  answer(theirs: string, caller: Caller): NonNullable<WelcomeFrame["contract"]> {
    const hash = this.#hash;
    if (theirs === hash) return { hash };
    if (!this.#told.has(theirs) && this.#told.size < hashesMax) {
      this.#told.add(theirs);
      this.#logging.clientContract(theirs, hash, caller);
    }
    return { hash, outline: this.#outline };
  }
}
