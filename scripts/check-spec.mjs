/**
 * Checks that the protocol's text and the conformance suite say the same: every paragraph, list item and table row with a
 * MUST names a case or a file of vectors, every name leads to one, and every case that is a MUST is named. Prints counts.
 * With `--report` it only tells.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const spec =
  process.argv.find((argument) => existsSync(join(argument, "PROTOCOL.md"))) ??
  fileURLToPath(new URL("../spec", import.meta.url));
const isReport = process.argv.includes("--report");

/** `[publishes/sent-again]`, or several with `[client/rooms/left-*]`, but no link. */
const namePattern = /\[((?:[a-z0-9-]+\/)+[a-z0-9*-]+)\](?!\()/g;

const cases = [...readCases("server"), ...readCases("client")];
const vectors = listJson("vectors").map((file) => `vectors/${file.replace(/\.json$/, "")}`);
const blocks = toBlocks(readFileSync(join(spec, "PROTOCOL.md"), "utf8"));
const targets = [...cases.map(({ id }) => id), ...vectors];
const named = new Set(blocks.flatMap(({ names }) => names.flatMap(targetsOf)));
const rules = blocks.filter(({ text }) => /\bMUST\b/.test(text));

const problems = [
  ...rules
    .filter(({ names }) => names.length === 0)
    .map(({ line, text }) => `spec/PROTOCOL.md:${line}: a MUST without a case: ${text.trim().slice(0, 80)}…`),
  ...blocks.flatMap(({ line, names }) =>
    names
      .filter((name) => targetsOf(name).length === 0)
      .map(
        (name) =>
          `spec/PROTOCOL.md:${line}: there is no ${name.startsWith("vectors/") ? "file" : "case"} ${name}`,
      ),
  ),
  ...cases
    .filter(({ id, level }) => level === "MUST" && !named.has(id))
    .map(({ id, file }) => `${file}: the text names no rule for the case ${id}, which is a MUST`),
];

for (const problem of problems) console.error(problem);
if (problems.length > 0 && !isReport) process.exitCode = 1;
const count = (side) => cases.filter((it) => it.side === side).length;
console.log(
  `spec: ${rules.length} rules with a MUST, ${count("server")} server and ${count("client")} client cases, ` +
    `${vectors.length} files of vectors, ${problems.length} problems`,
);

/** What a name of the text leads to: with `*`, all that fit. */
function targetsOf(name) {
  const pattern = new RegExp(`^${name.replaceAll("*", "[a-z0-9-]+")}$`);
  return targets.filter((target) => pattern.test(target));
}

function readCases(side) {
  return listJson(`cases/${side}`).flatMap((file) => {
    const path = `cases/${side}/${file}`;
    return JSON.parse(readFileSync(join(spec, path), "utf8")).map(({ id, level }) => ({
      id,
      level,
      side,
      file: `spec/${path}`,
    }));
  });
}

function listJson(folder) {
  const path = join(spec, folder);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".json")) : [];
}

/** Paragraphs, list items and table rows, with the names they have. What stands before the first section is no rule. */
function toBlocks(page) {
  const found = [];
  let block = null;
  let isCode = false;
  let isRule = false;
  for (const [index, line] of page.split("\n").entries()) {
    if (line.startsWith("```")) isCode = !isCode;
    if (line.startsWith("## ")) isRule = true;
    const isText =
      isRule && !isCode && !line.startsWith("```") && !line.startsWith("#") && line.trim() !== "";
    if (!isText) block = null;
    else if (block && !/^\s*(?:[-|]|\d+\.) /.test(line) && !line.startsWith("|")) block.text += ` ${line}`;
    else found.push((block = { line: index + 1, text: line }));
  }
  return found.map(({ line, text }) => ({
    line,
    text,
    names: [...text.matchAll(namePattern)].map(([, name]) => name),
  }));
}
