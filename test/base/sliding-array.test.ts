import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingArray } from "../../src/base/sliding-array.ts";

const steps = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant("push" as const), count: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ does: fc.constant("drop" as const), count: fc.integer({ min: 0, max: 250 }) }),
  ),
  { maxLength: 40 },
);

test("behaves like a plain array that is pushed to and cut from the front", () => {
  fc.assert(
    fc.property(steps, fc.nat(300), fc.nat(300), (plan, start, count) => {
      const sliding = new SlidingArray<number>();
      let plain: number[] = [];
      let next = 0;
      for (const step of plan) {
        if (step.does === "drop") {
          sliding.dropFront(step.count);
          plain = plain.slice(step.count);
        } else {
          for (let pushed = 0; pushed < step.count; pushed += 1) {
            sliding.push(next);
            plain.push(next);
            next += 1;
          }
        }
        expect(sliding.length).toBe(plain.length);
      }
      expect(sliding.at(start)).toBe(plain[start]);
      expect(sliding.slice(start, count)).toEqual(plain.slice(start, start + count));
    }),
  );
});
