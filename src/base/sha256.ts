type State = readonly [number, number, number, number, number, number, number, number];

/** The first primes: the 32 bits behind the point of their roots are the constants of SHA-256. */
const primes: readonly number[] = /* @__PURE__ */ (() => {
  const found: number[] = [];
  for (let number = 2; found.length < 64; number += 1)
    if (found.every((prime) => number % prime > 0)) found.push(number);
  return found;
})();

/**
 * SHA-256 (FIPS 180-4) of a text's UTF-8 bytes: 32 bytes. WebCrypto's is asynchronous, and a page that is no secure
 * context has none.
 */
export function sha256(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  // A bit, zeros, and the length in bits fill the last block of 64 bytes.
  const padded = new Uint8Array((bytes.length + 72) & ~63);
  const view = new DataView(padded.buffer);
  padded.set(bytes);
  padded[bytes.length] = 128;
  view.setUint32(padded.length - 4, bytes.length * 8);
  let state = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))) as unknown as State;
  for (let start = 0; start < padded.length; start += 64) state = addBlock(state, view, start);
  state.forEach((word, index) => view.setInt32(index * 4, word));
  return padded.slice(0, 32);
}

function addBlock(before: State, view: DataView, start: number): State {
  const words: number[] = [];
  const word = (index: number): number => words[index] as number;
  let state = before;
  primes.forEach((prime, index) => {
    const [a, b, c, d, e, f, g, h] = state;
    words[index] =
      index < 16
        ? view.getInt32(start + index * 4)
        : (word(index - 16) +
            (turn(word(index - 15), 7, 18) ^ (word(index - 15) >>> 3)) +
            word(index - 7) +
            (turn(word(index - 2), 17, 19) ^ (word(index - 2) >>> 10))) |
          0;
    const first = h + turn(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + fraction(Math.cbrt(prime)) + word(index);
    const second = turn(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
    state = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
  });
  return before.map((word, index) => (word + (state[index] as number)) | 0) as unknown as State;
}

/** The first 32 bits behind the point. */
function fraction(number: number): number {
  return (number * 2 ** 32) | 0;
}

/** The word turned right by each of these numbers of bits, combined. */
function turn(word: number, ...bits: readonly number[]): number {
  return bits.reduce((result, count) => result ^ ((word >>> count) | (word << (32 - count))), 0);
}
