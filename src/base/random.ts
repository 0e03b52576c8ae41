import { base64Url } from "./base64-url.ts";

/** Chance, as the rest of Bowline sees it: the simulator puts a seeded one in its place. */
export interface Random {
  /** A number in [0, 1), for jitter and spreading. Not for secrets. */
  float(): number;
  /** `length` unguessable characters of the URL-safe base-64 alphabet: six bits each. */
  id(length: number): string;
}

/** The platform's randomness. `getRandomValues` also works where the page is not a secure context. */
export const systemRandom: Random = {
  float: () => Math.random(),
  // Base 64 makes more characters than there are bytes: those left over are cut off.
  id: (length) => base64Url(crypto.getRandomValues(new Uint8Array(length))).slice(0, length),
};
