import { execFile } from "node:child_process";
import { join } from "node:path";

/** What a run of the program `bowline` came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** Runs the program from source, as its users would from the package. */
export function runBowline(...line: readonly string[]): Promise<Ran> {
  const program = join(import.meta.dirname, "../../src/cli/bowline.ts");
  const args = ["--import", "tsx", "--conditions=bowline-source", program, ...line];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, said) =>
      resolve({ code: error ? Number(error.code) : 0, out, said }),
    );
  });
}
