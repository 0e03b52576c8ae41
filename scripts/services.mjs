/**
 * The programs tests start besides Node. Adding one is one line in the table.
 * Only Node built-ins here: this runs on a fresh clone, before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * name: the variable tests read is SERVICE_<NAME>, a path, unset when the service is missing.
 * commands: looked for in this order. packages: what apt installs. suites: what is skipped without it.
 */
const services = [
  {
    name: "chromium",
    commands: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    packages: ["chromium", "fonts-noto-color-emoji"],
    suites: "test/browser",
  },
  { name: "redis-server", commands: ["redis-server"], packages: ["redis-server"], suites: "Redis" },
  { name: "nats-server", commands: ["nats-server"], packages: ["nats-server"], suites: "NATS" },
];

/** Places servers are installed to that an ordinary user's PATH often lacks. */
const extraPaths = ["/usr/sbin", "/usr/local/sbin", "/Applications/Google Chrome.app/Contents/MacOS"];

/**
 * Where each installed service is, by the variable name tests read.
 * @returns {Record<string, string>}
 */
export function findServices() {
  /** @type {Record<string, string>} */
  const found = {};
  for (const service of services) {
    const path = process.env[variableOf(service)] ?? findCommand(service.commands);
    if (path) found[variableOf(service)] = path;
  }
  return found;
}

/**
 * Installs missing services where that is possible (root on Debian or a relative), says what is skipped
 * elsewhere, and with CI=true treats a missing service as a failure.
 * @returns {boolean} whether the tests may start
 */
export function ensureServices() {
  const missing = listMissing();
  if (missing.length === 0) return true;
  if (canInstall()) installPackages(missing.flatMap((service) => service.packages));
  const stillMissing = listMissing();
  const isCi = process.env.CI === "true";
  for (const { name, packages, suites } of stillMissing) {
    const verdict = isCi ? "and CI=true needs it" : `so ${suites} is skipped`;
    console.log(
      `setup: ${name} is not installed, ${verdict} (Debian: apt-get install ${packages.join(" ")})`,
    );
  }
  return stillMissing.length === 0 || !isCi;
}

function variableOf(service) {
  return `SERVICE_${service.name.toUpperCase().replaceAll("-", "_")}`;
}

function listMissing() {
  const found = findServices();
  return services.filter((service) => !(variableOf(service) in found));
}

function findCommand(commands) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...extraPaths];
  const names = process.platform === "darwin" ? [...commands, "Google Chrome"] : commands;
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get");
}

function installPackages(packages) {
  console.log(`setup: installing ${packages.join(", ")} with apt`);
  if (runApt("update")) runApt("install", "-y", "--no-install-recommends", ...packages);
}

/** Quiet when it works; apt's own words when it does not. */
function runApt(...args) {
  const result = spawnSync("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
  });
  if (result.status === 0) return true;
  console.log(`setup: apt-get ${args[0]} failed\n${result.error?.message ?? result.stderr}`);
  return false;
}
