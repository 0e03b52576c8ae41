/** Runs the tests that docs/testing.md shows, as a reader would who copied them into a file. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = `${root}.cache/docs-testing`;
const page = readFileSync(`${root}docs/testing.md`, "utf8");
const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```/gms), ([, code]) => code);

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/page.ts`, blocks.join("\n"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
await import(`${folder}/page.ts`);
