import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../spec/PROTOCOL.md", import.meta.url), "utf8");
/** `[section/name]`, `[client/section/name]` or `[vectors/topic]`, and no link. */
const reference = /\[((?:client\/)?[a-z-]+\/[a-z0-9-]+)\](?!\()/g;
const sections = new Set(
  (
    "transport connecting probe frames sessions refs publishes requests rooms gaps slow-readers signals presence " +
    "heartbeat reconnecting goaway degraded limits closing contract compatibility vectors"
  ).split(" "),
);

/** Paragraphs, items of lists and rows of tables, without the examples. */
function blocks(): string[] {
  const prose = page.replaceAll(/^```[\s\S]*?^```/gm, "");
  return prose.split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.|\|) ?)/);
}

test("each MUST and MUST NOT of PROTOCOL.md names the cases that hold it", () => {
  const bare = blocks().filter((block) => /\bMUST\b/.test(block) && block.match(reference) === null);
  expect(bare).toEqual([expect.stringContaining("are those of RFC 2119")]);
});

test("the cases that it names are of a section that there is", () => {
  const names = Array.from(page.matchAll(reference), ([, name = ""]) => name.replace(/^client\//, ""));
  expect(names.length).toBeGreaterThan(250);
  expect(names.filter((name) => !sections.has(name.split("/")[0] as string))).toEqual([]);
});

test("the vectors that it names are there", () => {
  const topics = Array.from(page.matchAll(/\[vectors\/([a-z-]+)\]/g), ([, topic = ""]) => topic);
  const isThere = (topic: string): boolean =>
    existsSync(new URL(`../../spec/vectors/${topic}.json`, import.meta.url));
  expect(topics.filter((topic) => !isThere(topic))).toEqual([]);
});
