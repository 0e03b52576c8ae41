/**
 * Checks the lockfiles: one that was written on one platform must install on all of them.
 *
 * Two faults are looked for. A package whose optionalDependencies (prebuilt binaries, mostly) are absent
 * installs here and fails elsewhere. A `resolved` address ties every clone to one registry.
 */
import { readFileSync } from "node:fs";

/**
 * Optional dependencies known to be absent from the lock, as "package@version > dependency": "why that is fine".
 * An entry that no longer matches anything is an error, so the list cannot rot.
 * @type {Record<string, string>}
 */
const exceptions = {};

const problems = [];
const unusedExceptions = new Set(Object.keys(exceptions));

const folders = ["", "test/runtimes/programs/", "test/asyncapi/parser/"];
const counts = folders.map((folder) => check(`${folder}package-lock.json`));

/** Checks one lockfile, and counts its packages. */
function check(path) {
  const { packages } = JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
  for (const [location, entry] of Object.entries(packages)) {
    if ("resolved" in entry && !entry.link) {
      problems.push(
        `${path}: ${location}: has a "resolved" address; delete it (.npmrc keeps npm from writing it)`,
      );
    }
    for (const dependency of Object.keys(entry.optionalDependencies ?? {})) {
      if (isLocked(packages, location, dependency)) continue;
      const name = location.slice(location.lastIndexOf("node_modules/") + "node_modules/".length);
      const key = `${name}@${entry.version} > ${dependency}`;
      if (key in exceptions) unusedExceptions.delete(key);
      else
        problems.push(
          `${path}: ${key}: missing from the lock; pin a version whose binaries are all published`,
        );
    }
  }
  return Object.keys(packages).length;
}
for (const key of unusedExceptions) problems.push(`${key}: is no longer missing; remove the exception`);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`lockfiles: ${counts.join(", ")} packages, complete for every platform`);

/** Looks for the dependency where Node would: beside the package's own modules, then one level up at a time. */
function isLocked(packages, location, dependency) {
  for (let base = location; ; base = base.slice(0, Math.max(0, base.lastIndexOf("/node_modules/")))) {
    if (`${base === "" ? "" : `${base}/`}node_modules/${dependency}` in packages) return true;
    if (base === "") return false;
  }
}
