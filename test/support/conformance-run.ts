import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { conformance } from "../../src/conformance/command.ts";

/** How a run of the conformance command ended, and what it wrote. */
export interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly noted: string;
}

/** Runs the conformance command in this process. */
export async function runConformance(args: readonly string[]): Promise<Ran> {
  const printed: string[] = [];
  const noted: string[] = [];
  const output = { print: (text: string) => printed.push(text), note: (text: string) => noted.push(text) };
  const code = await conformance(args, output);
  return { code, printed: printed.join("\n"), noted: noted.join("\n") };
}

/** A command that runs a little program, which is written into the folder. */
export function programIn(folder: string, code: string): string {
  const file = join(folder, "program.mjs");
  writeFileSync(file, code);
  return `exec "${process.execPath}" "${file}"`;
}
