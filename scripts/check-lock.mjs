/**
 * Checks package-lock.json: a lockfile written on one platform must install on all of them.
 *
 * Two faults are looked for. A package whose optionalDependencies (prebuilt binaries, mostly) are absent
 * installs here and fails elsewhere. A `resolved` address ties every clone to one registry.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Optional dependencies known to be absent from the lock, as "package@version > dependency": "why that is fine".
 * An entry that no longer matches anything is an error, so the list cannot rot.
 * @type {Record<string, string>}
 */
const exceptions = {};

const lockPath = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(lockPath, "utf8"));
const problems = [];
const unusedExceptions = new Set(Object.keys(exceptions));

for (const [location, entry] of Object.entries(lock.packages)) {
  if ("resolved" in entry && !entry.link) {
    problems.push(`${location}: has a "resolved" address; delete it (.npmrc keeps npm from writing it)`);
  }
  for (const dependency of Object.keys(entry.optionalDependencies ?? {})) {
    if (isLocked(location, dependency)) continue;
    const name = location.slice(location.lastIndexOf("node_modules/") + "node_modules/".length);
    const key = `${name}@${entry.version} > ${dependency}`;
    if (key in exceptions) unusedExceptions.delete(key);
    else problems.push(`${key}: missing from the lock; pin a version whose binaries are all published`);
  }
}
for (const key of unusedExceptions) problems.push(`${key}: is no longer missing; remove the exception`);

for (const problem of problems) console.error(`package-lock.json: ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(`lockfile: ${Object.keys(lock.packages).length} packages, complete for every platform`);

/** Looks for the dependency where Node would: beside the package's own modules, then one level up at a time. */
function isLocked(location, dependency) {
  for (let base = location; ; base = base.slice(0, Math.max(0, base.lastIndexOf("/node_modules/")))) {
    if (`${base === "" ? "" : `${base}/`}node_modules/${dependency}` in lock.packages) return true;
    if (base === "") return false;
  }
}
