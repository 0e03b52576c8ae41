/** One small fault in the source, and the tests that have to notice it. */
export interface Mutant {
  /** Unique; what `--only` takes. */
  readonly id: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** The test file of which a test has to fail, or several. */
  readonly tests: string | readonly string[];
  /** Words of the names of the tests to run: as `-t` of vitest. */
  readonly only?: string;
  /** The service without which those tests are skipped. */
  readonly needs?: "redis-server" | "nats-server";
  /** Set where the tests take long: left out of the part that `npm test` runs. */
  readonly slow?: boolean;
  /** What the fault does to users. */
  readonly why: string;
}

/** The file's text with the fault in it. Throws when the text to be replaced does not stand in it exactly once. */
export function applyTo(text: string, { id, file, from, to }: Mutant): string {
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(
      `${id}: ${file} holds its text ${parts.length - 1} times, and has to hold it once: ${from}`,
    );
  return parts.join(to);
}

/** Every `count`-th of the items, from the `number`-th on: parts 1 to `count` together are all of them. */
export function partOf<T>(items: readonly T[], number: number, count: number): T[] {
  return items.filter((_, index) => index % count === number - 1);
}
