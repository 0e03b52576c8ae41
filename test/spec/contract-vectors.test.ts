import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/contract/canonical-json.ts";
import { hashOf } from "../../src/contract/contract-hash.ts";
import { differencesOf, type Difference } from "../../src/contract/differences.ts";
import type { Outline } from "../../src/contract/outline.ts";

function vectors<Vector>(topic: string): Vector[] {
  const file = new URL(`../../spec/vectors/${topic}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] }).vectors;
}

interface HashVector {
  readonly about: string;
  readonly outline: Outline;
  readonly canonical: string;
  readonly hash: string;
}

interface DifferenceVector {
  readonly about: string;
  readonly ours: Outline;
  readonly theirs: Outline;
  readonly differences: readonly Difference[];
}

describe("the hash of an outline", () => {
  test.each(vectors<HashVector>("contract-hashes"))("$about", ({ outline, canonical, hash }) => {
    expect(canonicalJson(outline)).toBe(canonical);
    expect(hashOf(outline)).toBe(hash);
  });
});

describe("what differs between outlines", () => {
  test.each(vectors<DifferenceVector>("contract-differences"))("$about", ({ ours, theirs, differences }) => {
    expect(differencesOf(ours, theirs)).toEqual(differences);
  });
});
