import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes one file of a program and of what it imports from source, and gives the command that runs it: it starts several
 * times as fast as from source. Packages stay where they are.
 */
export async function bundled(program: string): Promise<string> {
  const folder = join(root, ".cache/programs");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(program, ".ts")}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    conditions: ["bowline-source"],
    external: ["ws", "ioredis", "zod"],
    logLevel: "error",
  });
  return `exec "${process.execPath}" "${outfile}"`;
}
