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
  const constants = fractions(3);
  // Arrays of 32-bit words, which cut off what is carried beyond.
  const hash = fractions(2).slice(0, 8);
  const words = new Int32Array(64);
  const word = (index: number): number => words[index] as number;
  for (let start = 0; start < padded.length; start += 64) {
    const state = hash.slice();
    constants.forEach((constant, index) => {
      const [a, b, c, d, e, f, g, h] = state as unknown as Eight;
      words[index] =
        index < 16
          ? view.getInt32(start + index * 4)
          : word(index - 16) +
            (turn(word(index - 15), 7, 18) ^ (word(index - 15) >>> 3)) +
            word(index - 7) +
            (turn(word(index - 2), 17, 19) ^ (word(index - 2) >>> 10));
      const first = h + turn(e, 6, 11, 25) + (g ^ (e & (f ^ g))) + constant + word(index);
      const second = turn(a, 2, 13, 22) + ((a & b) ^ (c & (a ^ b)));
      state.set([first + second, a, b, c, d + first, e, f, g]);
    });
    state.forEach((value, index) => ((hash[index] as number) += value));
  }
  hash.forEach((value, index) => view.setInt32(index * 4, value));
  return padded.slice(0, 32);
}

type Eight = readonly [number, number, number, number, number, number, number, number];

/** The constants of SHA-256: of the roots of the first 64 primes, the first 32 bits behind the point. */
function fractions(root: number): Int32Array {
  const primes: number[] = [];
  for (let number = 2; primes.length < 64; number += 1)
    if (primes.every((prime) => number % prime)) primes.push(number);
  return Int32Array.from(primes, (prime) => prime ** (1 / root) * 2 ** 32);
}

/** The word turned right by each of these numbers of bits, combined. */
function turn(word: number, ...bits: readonly number[]): number {
  return bits.reduce((result, count) => result ^ ((word >>> count) | (word << -count)), 0);
}
