import { expect, test } from "vitest";
import { catchSabotage, sabotages } from "../../src/testing/index.ts";
import { withoutStacks } from "./seeds.ts";

test.for(Object.entries(sabotages))("%s is noticed", { timeout: 60_000 }, async ([name, wraps]) => {
  const caught = await withoutStacks(() => catchSabotage(wraps, 200));
  console.log(`${name}: seed ${caught?.seed}: ${caught?.message.slice(0, 100)}`);
  expect(caught).not.toBeNull();
});
