import { describe, expect, test } from "vitest";
import { Tail } from "../../src/server/tail.ts";
import { FakeClock } from "../support/fake-clock.ts";

const countMax = 512;
const lengthMax = 1024 * 1024;

function bench({ count = 100, ageMs = 1000, base = 0 } = {}) {
  const clock = new FakeClock();
  const tail = new Tail(clock, { count, ageMs, bytes: Infinity }, { length: 0 });
  tail.reset(base);
  let head = base;
  const push = (number: number, length = 1): void => {
    for (let pushed = 0; pushed < number; pushed += 1)
      tail.push({ offset: (head += 1), data: `${head}`.padEnd(length, ".") });
  };
  const after = (offset: number, last = head, limit = Infinity) =>
    tail.after(offset, last, limit)?.map(({ data }) => data) ?? null;
  return { clock, tail, push, after };
}

describe("the tail of a room's log", () => {
  test("gives what came after an offset, up to another one, and no more than asked for", () => {
    const { push, after } = bench({ base: 10 });
    push(4);
    expect(after(10)).toEqual(["11", "12", "13", "14"]);
    expect(after(12)).toEqual(["13", "14"]);
    expect(after(14)).toEqual([]);
    expect(after(11, 13)).toEqual(["12", "13"]);
    expect(after(11, 14, 1)).toEqual(["12"]);
  });

  test("says nothing where it does not go back so far", () => {
    const { push, after } = bench({ base: 10 });
    push(2);
    expect(after(9)).toBeNull();
    expect(after(10)).toEqual(["11", "12"]);
  });

  test.each([
    ["the room's bound", 3, 3],
    ["its own", countMax + 100, countMax],
  ])("keeps as many as %s says, and not one more", (_what, count, kept) => {
    const { push, after } = bench({ count });
    push(kept + 1);
    expect(after(0)).toBeNull();
    expect(after(1)).toHaveLength(kept);
  });

  test("keeps so much text, and not one character more", () => {
    const { push, after } = bench();
    push(4, lengthMax / 4);
    expect(after(0)).toHaveLength(4);
    push(1, 1);
    expect(after(0)).toBeNull();
    expect(after(1)).toHaveLength(4);
    push(1, lengthMax / 4 - 1);
    expect(after(1)).toHaveLength(5);
  });

  test("keeps a frame as long as the room does, and not longer", async () => {
    const { clock, push, after } = bench({ ageMs: 1000 });
    push(1);
    await clock.advance(1000);
    push(1);
    expect(after(0)).toEqual(["1", "2"]);
    await clock.advance(1);
    expect([after(0), after(1)]).toEqual([null, ["2"]]);
  });

  test("of another log begins where that is", () => {
    const { tail, push, after } = bench();
    push(3, lengthMax / 4);
    tail.reset(50);
    tail.push({ offset: 51, data: "51" });
    expect([after(49, 51), after(50, 51)]).toEqual([null, ["51"]]);
  });
});
