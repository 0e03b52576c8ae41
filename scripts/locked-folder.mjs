/**
 * Folders of the tests whose packages have a lockfile of their own, as they are large and nothing else needs them. Only Node
 * built-ins here: this runs on a fresh clone, before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Installs a folder's packages where they are not all there, in the versions that are locked.
 * @param {string} folder from the root of the repository
 * @param {string} what it is, for people
 */
export function ensureFolder(folder, what) {
  if (isInstalled(folder)) return;
  console.log(`setup: installing ${what} for the tests (npm ci in ${folder})`);
  // Nothing in them has a script that would have to run.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  spawnSync("npm", args, { cwd: root + folder, stdio: "inherit", shell: process.platform === "win32" });
}

/**
 * Whether all that fits this system is there, in the version that is locked.
 * @param {string} folder
 */
export function isInstalled(folder) {
  const wanted = readPackages(folder, "package-lock.json") ?? {};
  const present = readPackages(folder, "node_modules/.package-lock.json");
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || (present?.[path] ? present[path].version === version : present && optional),
  );
}

function readPackages(folder, path) {
  try {
    return JSON.parse(readFileSync(`${root}${folder}/${path}`, "utf8")).packages;
  } catch {
    return undefined;
  }
}
