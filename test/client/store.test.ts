import { describe, expect, test } from "vitest";
import { applyChange, memoryStore, type StoreChange, type StoredState } from "../../src/client/store.ts";

const session = { secret: "k", id: null, generation: 1, refs: 1001, ledger: "", user: null, userRef: 0 };
const publish = (ref: number, sent = false) => ({ ref, room: "r", event: "e", json: "1", sent });
const put = (ref: number): StoreChange => ({ type: "put", publish: publish(ref) });
const apply = (...changes: StoreChange[]): StoredState | null =>
  changes.reduce<StoredState | null>(applyChange, null);

describe("the changes of a store", () => {
  test("begin with a session", () => {
    expect(apply({ type: "session", session })).toEqual({ session, publishes: [] });
    expect(() => apply(put(1))).toThrow("the first change must be a session");
  });

  test("add publishes, mark those up to a ref as sent, and take settled ones away", () => {
    const state = apply(
      { type: "session", session },
      put(1),
      put(2),
      put(3),
      { type: "sent", ref: 2 },
      { type: "settled", ref: 1 },
    );
    expect(state?.publishes).toEqual([publish(2, true), publish(3)]);
  });

  test("of the session leave the publishes as they are", () => {
    const state = apply({ type: "session", session }, put(1), {
      type: "session",
      session: { ...session, generation: 2 },
    });
    expect(state).toEqual({ session: { ...session, generation: 2 }, publishes: [publish(1)] });
  });
});

test("the default store keeps nothing", async () => {
  await memoryStore.save([{ type: "session", session }]);
  expect(memoryStore.initial).toBeNull();
});
