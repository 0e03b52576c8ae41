/** 32-bit words made of the roots of primes. Made when first needed, and once: they cost more than a digest. */
let constants: Int32Array | undefined;
let initial: Int32Array | undefined;

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
  const hash = (initial ??= fractions(2).slice(0, 8)).slice();
  // An array of 32-bit words, which cuts off what is carried beyond.
  const words = new Int32Array(64);
  for (let start = 0; start < padded.length; start += 64) {
    for (let index = 0; index < 16; index += 1) words[index] = view.getInt32(start + index * 4);
    digest(words, hash, (constants ??= fractions(3)));
  }
  hash.forEach((value, index) => view.setInt32(index * 4, value));
  return padded.slice(0, 32);
}

type Eight = [number, number, number, number, number, number, number, number];

/** Takes a block, the first 16 words, into the hash. A client's hello waits for it: no arrays or calls a word. */
function digest(words: Int32Array, hash: Int32Array, adding: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = hash as unknown as Eight;
  for (let index = 0; index < 64; index += 1) {
    const x = words[index - 15] as number;
    const y = words[index - 2] as number;
    if (index > 15)
      words[index] =
        (words[index - 16] as number) +
        (words[index - 7] as number) +
        (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) +
        (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    const first =
      h +
      (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
      (g ^ (e & (f ^ g))) +
      (adding[index] as number) +
      (words[index] as number);
    const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (c & (a ^ b)));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, index) => ((hash[index] as number) += value));
}

/** Of the roots of the first 64 primes, the first 32 bits behind the point. */
function fractions(root: number): Int32Array {
  const primes: number[] = [];
  for (let number = 2; primes.length < 64; number += 1)
    if (primes.every((prime) => number % prime)) primes.push(number);
  return Int32Array.from(primes, (prime) => prime ** (1 / root) * 2 ** 32);
}

/** The word turned right by so many bits. */
function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << -bits);
}
