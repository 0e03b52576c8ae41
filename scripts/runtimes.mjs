/**
 * The runtimes that the client is tested in besides the one that runs the tests: packages of npm, in a folder and with a
 * lockfile of their own. Only Node built-ins here: this runs on a fresh clone, before anything is installed.
 */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ensureFolder } from "./locked-folder.mjs";

const folder = "test/runtimes/programs";
const modules = fileURLToPath(new URL(`../${folder}/node_modules/`, import.meta.url));
const platform = `${process.platform}-${process.arch}`;

/** name: what it is called. command: where its program lies below node_modules, for this system. */
const runtimes = [
  { name: "node20", command: () => `node20-${platform}/bin/node` },
  { name: "node22", command: () => `node22-${platform}/bin/node` },
  { name: "node24", command: () => `node24-${platform}/bin/node` },
  { name: "bun", command: () => programIn("@oven", "bin/bun") },
  { name: "deno", command: () => programIn("@deno", "deno") },
];

/**
 * Where each installed runtime is, by its name.
 * @returns {Record<string, string>}
 */
export function findRuntimes() {
  const found = runtimes.map(({ name, command }) => [name, modules + command()]);
  return Object.fromEntries(found.filter(([, path]) => existsSync(path)));
}

/**
 * Installs the runtimes where they are not, says which are skipped where that fails, and with CI=true treats a missing one
 * as a failure.
 * @returns {boolean} whether the tests may start
 */
export function ensureRuntimes() {
  ensureFolder(folder, "Node 20, 22, 24, Bun and Deno");
  const found = findRuntimes();
  const missing = runtimes.map(({ name }) => name).filter((name) => !(name in found));
  const isCi = process.env.CI === "true";
  if (missing.length > 0) {
    const verdict = isCi ? "and CI=true needs them" : "so the client is not tested in them";
    console.log(`setup: no ${missing.join(", ")} for ${platform} here, ${verdict} (npm ci in ${folder})`);
  }
  return missing.length === 0 || !isCi;
}

/** A scope holds the packages of this system alone; of several, the first does. */
function programIn(scope, program) {
  const names = existsSync(modules + scope) ? readdirSync(modules + scope) : [];
  return `${scope}/${names[0] ?? ""}/${program}`;
}
