/**
 * npm test: every check, cheapest first, stopping at the first that fails. The tests come last, so that the
 * output ends with their summary. Arguments go to vitest: `npm test -- test/client`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Each stage and the npm script that runs it. */
const stages = [
  ["Types", "types"],
  ["Lint, format, layers, lockfile, unused code", "lint"],
  ["Documentation: snippets and links", "docs"],
  ["Build", "build"],
  ["Package and bundle", "check:package"],
];

const root = fileURLToPath(new URL("..", import.meta.url));
const startedAt = performance.now();

for (const [title, script] of stages) {
  runStage(title, "npm", ["run", "--silent", script]);
}
runStage("Tests", process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)]);

function runStage(title, command, args) {
  console.log(`\n== ${title} (at ${secondsSince(startedAt)})`);
  const shell = command === "npm" && process.platform === "win32";
  const stageStartedAt = performance.now();
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", shell });
  if (result.status !== 0) {
    console.error(`\n== ${title}: FAILED after ${secondsSince(stageStartedAt)}`);
    process.exit(result.status ?? 1);
  }
}

function secondsSince(from) {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}
