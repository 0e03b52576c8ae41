/**
 * The runtimes that the client is tested in besides the one that runs the tests: packages of npm, in a folder and with a
 * lockfile of their own. Only Node built-ins here: this runs on a fresh clone, before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../test/runtimes/programs/", import.meta.url));
const modules = `${folder}node_modules/`;
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
  if (!isInstalled()) install();
  const found = findRuntimes();
  const missing = runtimes.map(({ name }) => name).filter((name) => !(name in found));
  const isCi = process.env.CI === "true";
  if (missing.length > 0) {
    const verdict = isCi ? "and CI=true needs them" : "so the client is not tested in them";
    console.log(
      `setup: no ${missing.join(", ")} for ${platform} here, ${verdict} (npm ci in test/runtimes/programs)`,
    );
  }
  return missing.length === 0 || !isCi;
}

/** Whether all that fits this system is there, in the version that is locked. */
function isInstalled() {
  const wanted = readPackages("package-lock.json") ?? {};
  const present = readPackages("node_modules/.package-lock.json");
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || (present?.[path] ? present[path].version === version : present && optional),
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(folder + path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function install() {
  console.log(
    "setup: installing Node 20, 22, 24, Bun and Deno for the tests (npm ci in test/runtimes/programs)",
  );
  // The programs lie in packages of their own for each system: no script has to run.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  spawnSync("npm", args, { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
}

/** A scope holds the packages of this system alone; of several, the first does. */
function programIn(scope, program) {
  const names = existsSync(modules + scope) ? readdirSync(modules + scope) : [];
  return `${scope}/${names[0] ?? ""}/${program}`;
}
