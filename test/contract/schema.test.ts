import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { check, type Schema } from "../../src/contract/schema.ts";

describe.each<[string, Schema]>([
  ["zod", z.object({ items: z.array(z.object({ text: z.string() })) })],
  ["valibot", v.object({ items: v.array(v.object({ text: v.string() })) })],
  ["arktype", type({ items: type({ text: "string" }).array() })],
])("a schema of %s", (_vendor, schema) => {
  test("passes what fits", async () => {
    const value = { items: [{ text: "a" }] };
    expect(await check(schema, value)).toMatchObject({ value });
  });

  test("says where what does not fit is", async () => {
    const { issues } = await check(schema, { items: [{ text: "a" }, { text: 1 }] });
    expect(issues).toHaveLength(1);
    expect(JSON.stringify(issues?.[0]?.path)).toBe(`["items",1,"text"]`);
    expect(issues?.[0]?.message).not.toBe("");
  });
});

test("a schema may change what passes", async () => {
  expect(await check(z.string().trim(), " a ")).toEqual({ value: "a" });
});

test("a schema may take its time", async () => {
  const schema = z.string().refine(async (text) => text === "yes");
  expect(await check(schema, "yes")).toEqual({ value: "yes" });
  expect((await check(schema, "no")).issues).toHaveLength(1);
});

test("a path may have symbols and steps that are objects", async () => {
  const issues = [{ message: "no", path: [Symbol("s"), { key: 1 }, { key: "k" }] }, { message: "root" }];
  const schema: Schema = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
  expect(await check(schema, 1)).toEqual({
    issues: [
      { message: "no", path: ["Symbol(s)", 1, "k"] },
      { message: "root", path: [] },
    ],
  });
});
