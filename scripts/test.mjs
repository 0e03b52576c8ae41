/**
 * npm test: every check, cheapest first, stopping at the first that fails. At the end, some faults are put into a copy of
 * the source, others for each commit, to see that the tests notice them. Arguments go to vitest, and leave the faults
 * out: `npm test -- test/client`.
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
const choice = process.argv.slice(2);
runStage("Tests", process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...choice]);
if (choice.length === 0) {
  const command = ["--import", "tsx", "--conditions=bowline-source", "mutants/run.ts"];
  runStage("Faults the tests have to notice", process.execPath, [
    ...command,
    "--trust-tests",
    "--rotate",
    "6",
  ]);
}

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
