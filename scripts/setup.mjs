/**
 * Runs before npm start and npm test, so that each works on a fresh clone.
 * Installs node_modules when it does not match the lockfile; with --services also what the tests start.
 * Only Node built-ins here: nothing is installed yet.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ensureAsyncApiParser } from "./asyncapi.mjs";
import { ensureRuntimes } from "./runtimes.mjs";
import { ensureServices } from "./services.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

if (!isInstalled() && !install()) process.exit(1);
if (process.argv.includes("--services")) {
  const isReady = [ensureServices(), ensureRuntimes(), ensureAsyncApiParser()];
  if (isReady.includes(false)) process.exit(1);
}

/** Compares what npm recorded in node_modules with the lockfile: times say little after a git checkout. */
function isInstalled() {
  const wanted = readPackages("package-lock.json");
  const present = readPackages("node_modules/.package-lock.json");
  if (present === undefined) return false;
  return (
    Object.entries(wanted).every(([path, entry]) => isSatisfied(path, entry, present[path])) &&
    Object.keys(present).every((path) => path in wanted)
  );
}

function isSatisfied(path, wanted, present) {
  // The root is no install, and binaries for other platforms are rightly absent.
  if (path === "" || (present === undefined && (wanted.optional || wanted.devOptional))) return true;
  return present?.version === wanted.version;
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(`${root}/${path}`, "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function install() {
  console.log("setup: installing node_modules (npm ci)");
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  // npm is a .cmd file on Windows, which only a shell starts.
  const result = spawnSync("npm", args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  return result.status === 0;
}
