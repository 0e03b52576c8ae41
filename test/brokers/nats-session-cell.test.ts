import { expect, test } from "vitest";
import { SessionCell, type RecordStore } from "../../src/brokers/nats/session-cell.ts";
import type { SessionRecord } from "../../src/brokers/nats/session-record.ts";
import type { Stored } from "../../src/brokers/nats/stored.ts";

/** What a stream is to a record: stores what follows the last, and may lose its answer. */
class FakeStore implements RecordStore {
  stored: Stored | null = null;
  losesAnswer = false;

  subject(key: string): string {
    return `session.${key}`;
  }

  async last(): Promise<Stored | null> {
    return this.stored;
  }

  async put(subject: string, { body }: { readonly body: string }, last: number): Promise<number | null> {
    if ((this.stored?.seq ?? 0) !== last) return null;
    this.stored = { seq: last + 1, subject, meta: "", body };
    if (this.losesAnswer) throw new Error("no answer");
    return last + 1;
  }
}

function record(generation: number): SessionRecord {
  return { ledger: "e", home: "h", user: "ada", generation, ref: 0, claims: [], forgotten: 0, rooms: [] };
}

const generationOf = (cell: SessionCell): Promise<number | undefined> =>
  cell.change((held) => ({ record: null, result: held?.generation }));

test("a record whose storing failed is not trusted: it may have been stored, and is read again", async () => {
  const store = new FakeStore();
  const cell = new SessionCell(store, "s", 60_000);
  await cell.change(() => ({ record: record(1), result: undefined }));
  store.losesAnswer = true;
  const failing = cell.change(() => ({ record: record(2), result: undefined }));
  await expect(failing).rejects.toThrow("no answer");
  expect(await generationOf(cell)).toBe(2);
});

test("a record that another node stored meanwhile is read before it is changed", async () => {
  const store = new FakeStore();
  const [one, other] = [new SessionCell(store, "s", 60_000), new SessionCell(store, "s", 60_000)];
  await one.change(() => ({ record: record(1), result: undefined }));
  await other.change(() => ({ record: record(2), result: undefined }));
  const seen: (number | undefined)[] = [];
  await one.change((held) => {
    seen.push(held?.generation);
    return { record: record(3), result: undefined };
  });
  expect(seen).toEqual([1, 2]);
});
