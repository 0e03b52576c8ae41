import { expect, test } from "vitest";
import { Unread } from "../../src/server/unread.ts";
import { FakeClock } from "../support/fake-clock.ts";

const limits = { slowBytes: 100, outboxBytes: 1000 };

test("four times outboxBytes is too much at once", () => {
  const [unread, clock] = [new Unread(), new FakeClock()];
  unread.isTooMuch(101, clock, limits);
  unread.add(4000);
  expect(unread.isTooMuch(4101, clock, limits)).toBe(false);
  unread.add(1);
  expect(unread.isTooMuch(4102, clock, limits)).toBe(true);
});

test("what has left was read: a client that reads on is not slow, however far behind", async () => {
  const [unread, clock] = [new Unread(), new FakeClock()];
  for (let second = 0; second < 100; second += 1) {
    unread.add(500);
    expect(unread.isTooMuch(900, clock, limits)).toBe(false);
    await clock.advance(1000);
  }
});
