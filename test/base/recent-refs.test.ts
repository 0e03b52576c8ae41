import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentRefs } from "../../src/base/recent-refs.ts";

const max = 4;

test("keeps the newest that were added, in whatever order their refs come, and nothing else", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }), (added) => {
      const refs = new RecentRefs<string>(max);
      for (const [index, ref] of added.entries()) {
        const oldest = index >= max ? `of ${added[index - max]}` : undefined;
        expect(refs.add(ref, `of ${ref}`)).toBe(oldest);
      }
      const kept = added.slice(-max);
      for (let ref = 1; ref <= 30; ref += 1)
        expect(refs.find(ref)).toBe(kept.includes(ref) ? `of ${ref}` : undefined);
      expect(refs.highest).toBe(Math.max(0, ...added));
      expect(refs.forgotten).toBe(Math.max(0, ...added.slice(0, -max)));
      const seen: number[] = [];
      expect(refs.some((ref, value) => (seen.push(ref), value !== `of ${ref}`))).toBe(false);
      expect(new Set(seen)).toEqual(new Set(kept));
      expect(refs.some((ref) => ref === kept[0])).toBe(kept.length > 0);
    }),
  );
});

test.each([2, max, max + 3])("changes the oldest first, up to one it is told to leave: of %i", (count) => {
  const refs = new RecentRefs<string>(max);
  for (let ref = 1; ref <= count; ref += 1) refs.add(ref, `${ref}`);
  const kept = Array.from(
    { length: Math.min(max, count) },
    (_, index) => Math.max(0, count - max) + 1 + index,
  );
  const asked: string[] = [];
  refs.replaceOldest((value) => {
    asked.push(value);
    return value === `${kept.at(-1)}` ? undefined : "changed";
  });
  expect(asked).toEqual(kept.map(String));
  expect(kept.map((ref) => refs.find(ref))).toEqual([...kept.slice(1).map(() => "changed"), `${count}`]);
});
