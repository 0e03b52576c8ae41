import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findRuntimes } from "../../scripts/runtimes.mjs";

const program = join(import.meta.dirname, "../../src/cli/bowline.ts");
const folder = mkdtempSync(join(tmpdir(), "bowline-typescript-"));
const file = join(folder, "chat.contract.ts");
/** TypeScript, in a project without tsx. It keeps a timer, as a module that does more than a contract may. */
const text = `
interface Made { readonly rooms: object }
setInterval(() => {}, 1000);
export const chat = { matchRoom: () => null, rooms: {}, requests: {}, hasInbox: false } satisfies Made;
`;
writeFileSync(file, text);
afterAll(() => rmSync(folder, { recursive: true }));

const runtimes = findRuntimes();
const readers = ["node22", "node24", "bun"].filter((name) => name in runtimes);
const source = "--conditions=bowline-source";

function run(command: string, ...args: string[]): Promise<{ code: number; out: string; said: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args, program, "export", "contract", file], (error, out, said) =>
      resolve({ code: error ? Number(error.code) : 0, out, said }),
    );
  });
}

test.each(readers)("%s reads a contract in TypeScript by itself, and the program ends", async (name) => {
  const { code, out, said } = await run(runtimes[name] as string, source);
  expect([code, said]).toEqual([0, ""]);
  expect(JSON.parse(out)).toHaveProperty("contract", 1);
});

test.skipIf((process.features as { typescript?: unknown }).typescript)(
  "a Node that can't says what to do",
  async () => {
    const { code, out, said } = await run(process.execPath, "--import", "tsx", source);
    expect([code, out]).toEqual([1, ""]);
    expect(said).toMatch(
      /can't read the TypeScript of .*: install tsx .*, use Node 22\.18 or newer, or name a built \.js file/,
    );
  },
);
