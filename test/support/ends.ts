/* oxlint-disable unicorn/no-thenable -- thenables are what is tested */
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect } from "vitest";

/** What what is handed over throws, or rejects with. */
export const boom: Error = new Error("boom");
const rejectElsewhere = runInNewContext("(error) => Promise.reject(error)") as (
  error: Error,
) => Promise<never>;
const hangElsewhere = runInNewContext("() => new Promise(() => {})") as () => Promise<never>;

/** What may become of a call of what somebody handed over. */
export const ends: Record<string, () => unknown> = {
  throws: () => {
    throw boom;
  },
  rejects: async () => {
    throw boom;
  },
  "rejects in another realm": () => rejectElsewhere(boom),
  "gives a thenable that rejects": () => ({
    then: (_: unknown, reject: (error: Error) => void) => reject(boom),
  }),
  "gives a function that is a thenable and rejects": () =>
    Object.assign(() => {}, { then: (_: unknown, reject: (error: Error) => void) => reject(boom) }),
  "gives a thenable whose then throws": () => ({
    then: () => {
      throw boom;
    },
  }),
  "gives what has a then that can't be read": () => ({
    get then(): unknown {
      throw boom;
    },
  }),
};
export const hangs: Record<string, () => unknown> = {
  "never settles": () => new Promise(() => {}),
  "never settles in another realm": () => hangElsewhere(),
  "gives a thenable that never settles": () => ({ then: () => {} }),
};
export const both: [how: string, end: () => unknown][] = Object.entries({ ...ends, ...hangs });

/** Throws what can't be looked at: even `instanceof` of it throws. */
export function throwUnreadable(): never {
  const { proxy, revoke } = Proxy.revocable(new Error("odd"), {});
  revoke();
  throw proxy;
}

/** Lets each test of a file fail for which a rejection or an error came to the process. */
export function expectNothingEscapes(): void {
  let escaped: unknown[] = [];
  const escape = (error: unknown): void => void escaped.push(error);
  beforeEach(() => {
    escaped = [];
    process.on("unhandledRejection", escape).on("uncaughtException", escape);
  });
  afterEach(async () => {
    // Node tells of rejections after the turn in which they came.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", escape).off("uncaughtException", escape);
    expect(escaped).toEqual([]);
  });
}
