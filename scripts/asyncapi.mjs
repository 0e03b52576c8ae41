/** The official parser of AsyncAPI, which the exported documents are held against: a folder of packages of its own. */
import { ensureFolder, isInstalled } from "./locked-folder.mjs";

const folder = "test/asyncapi/parser";

/** Whether the parser is installed. */
export function hasAsyncApiParser() {
  return isInstalled(folder);
}

/**
 * Installs the parser where it is not, says that its test is skipped where that fails, and with CI=true treats that as a
 * failure.
 * @returns {boolean} whether the tests may start
 */
export function ensureAsyncApiParser() {
  ensureFolder(folder, "the parser of AsyncAPI");
  if (hasAsyncApiParser()) return true;
  const isCi = process.env.CI === "true";
  const verdict = isCi ? "and CI=true needs it" : "so exported documents are not held against it";
  console.log(`setup: no parser of AsyncAPI, ${verdict} (npm ci in ${folder})`);
  return !isCi;
}
