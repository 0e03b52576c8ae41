import { expect, test } from "vitest";
import { Flusher } from "../../src/server/flusher.ts";
import { FakeClock } from "../support/fake-clock.ts";

function bench() {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const flusher = new Flusher(clock, (error) => errors.push(error));
  const log: string[] = [];
  const item = (name: string, then: () => void = () => {}) => ({
    flush: (elapsedMs: number) => {
      log.push(`${name}@${elapsedMs}`);
      then();
    },
  });
  return { clock, errors, flusher, log, item };
}

test("flushes nothing within the turn", () => {
  const { flusher, log, item } = bench();
  flusher.addRoom(item("room"));
  expect(log).toEqual([]);
});

test("flushes rooms first, so that the outboxes they fill go out in the same turn", async () => {
  const { clock, flusher, log, item } = bench();
  flusher.addOutbox(item("early"));
  flusher.addRoom(item("room", () => flusher.addOutbox(item("filled"))));
  await clock.settle();
  expect(log).toEqual(["room@5000", "early@5000", "filled@5000"]);
});

test("what is added while outboxes are flushed goes out in the next turn", async () => {
  const { clock, flusher, log, item } = bench();
  flusher.addOutbox(item("a", () => flusher.addRoom(item("later"))));
  await clock.settle();
  expect(log).toEqual(["a@5000", "later@5000"]);
});

test("flushes again after a turn with nothing to do", async () => {
  const { clock, flusher, log, item } = bench();
  flusher.addOutbox(item("a"));
  await clock.advance(10);
  flusher.addOutbox(item("b"));
  await clock.settle();
  expect(log).toEqual(["a@5000", "b@5010"]);
});

test("one that fails takes nobody else's turn, and no later one", async () => {
  const { clock, errors, flusher, log, item } = bench();
  const failure = new Error("no");
  flusher.addRoom(
    item("bad", () => {
      throw failure;
    }),
  );
  flusher.addRoom(item("good"));
  await clock.settle();
  flusher.addRoom(item("later"));
  await clock.settle();
  expect(errors).toEqual([failure]);
  expect(log).toEqual(["bad@5000", "good@5000", "later@5000"]);
});
