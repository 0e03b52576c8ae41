import * as z from "zod";
import { expect, test } from "vitest";
import type { Fate } from "../../src/client/calls.ts";
import { applyChange, type Store, type StoredState } from "../../src/client/store.ts";
import { contract, event, room } from "../../src/contract/contract.ts";
import { Pair } from "../support/pair.ts";

const diaries = contract({ rooms: { "diary/:room": room({ events: { note: event(z.string()) } }) } });

test("what an older copy of a store holds is uncertain, and gets nobody else's acks", async () => {
  const pair = await new Pair(diaries, { authenticate: () => ({ id: "ada" }) }).start();
  let kept: StoredState | null = null;
  const store = (initial: StoredState | null): Store => ({
    initial,
    save: (changes) => {
      for (const change of changes) kept = applyChange(kept, change);
    },
  });
  const first = await pair.openClient({ store: store(null) });
  const stored = ["one", "two", "three"].map((text) => first.publish("diary/a", "note", text));
  await pair.clock.settle();
  expect((await Promise.all(stored)).map(({ offset }) => offset)).toEqual([1, 2, 3]);
  first.close();

  // As it was before the second one: what came then, the copy never heard of, nor that its own were settled.
  const publish = { room: "diary/a", event: "note" };
  const { session } = kept as unknown as StoredState;
  kept = {
    session: { ...session, refs: 2 },
    publishes: [
      { ...publish, ref: 1, json: '"sent"', sent: true },
      { ...publish, ref: 2, json: '"not sent"', sent: false },
    ],
  };
  const copy = pair.client({ store: store(kept) });
  const fates: string[] = [];
  copy.onFate((fate: Fate) => fates.push(`${String(fate.payload)} ${fate.error?.code ?? fate.fate}`));
  await pair.clock.advance(5000);
  expect(fates).toEqual(["sent UNCERTAIN", "not sent UNCERTAIN"]);

  const next = copy.publish("diary/a", "note", "four");
  await pair.clock.settle();
  expect((await next).offset).toBe(4);
  const history = await pair.server.history("diary/a");
  expect(history.map(({ payload }) => payload)).toEqual(["one", "two", "three", "four"]);
  expect(new Set(history.map(({ id }) => id)).size).toBe(4);
  expect(next.id).toBe(history.at(-1)?.id);
});
