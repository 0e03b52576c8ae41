/**
 * Checks the documentation: every TypeScript and JavaScript block is type-checked against src, those marked `run`
 * are executed, every relative link leads somewhere, and every `npm test -- part` names a test. The conventions:
 *
 * - The ```ts blocks of a page are one module, in their order: a later one may use what an earlier one declared.
 *   What readers need not see, such as a `declare`, stands in a block inside an HTML comment.
 * - ```ts whole is a module of its own. ```ts run is one too, and must run to its end.
 * - ```js server.mjs is a whole file of that name, which the page's other files may import.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, ".cache/docs");
const runTimeoutMs = 20_000;
const languages = new Set(["ts", "tsx", "js", "mjs"]);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const pages = listPages().map(readPage);
const files = pages.flatMap(toFiles);
const typeProblems = checkTypes(files);
const runProblems = typeProblems.length > 0 ? [] : files.filter((file) => file.runs).flatMap(run);
const problems = [
  ...pages.flatMap(checkLinks),
  ...pages.flatMap(checkCommands),
  ...typeProblems,
  ...runProblems,
];

for (const problem of problems) console.error(problem);
if (problems.length === 0) rmSync(out, { recursive: true, force: true });
else process.exitCode = 1;
const blocks = pages.flatMap((page) => page.blocks).length;
console.log(`docs: ${pages.length} pages, ${blocks} blocks, ${problems.length} problems`);

function listPages() {
  const top = readdirSync(root);
  const below = ["docs", "spec"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  return [...top, ...below].filter((name) => name.endsWith(".md")).sort();
}

/** A page with its code blocks, and its prose with everything that is code blanked out. */
function readPage(path) {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  const page = { path, lines, blocks: [], prose: [] };
  let block = null;
  for (const [index, line] of lines.entries()) {
    const fence = /^ *```(.*)$/.exec(line);
    if (fence && block) block = null;
    else if (fence) page.blocks.push((block = openBlock(fence[1], index + 1)));
    else if (block) block.lines.push(line);
    page.prose.push(fence || block ? "" : line.replaceAll(/`[^`]*`/g, "code"));
  }
  page.blocks = page.blocks.filter(({ language }) => languages.has(language));
  return page;
}

function openBlock(info, line) {
  const [language = "", mark = ""] = info.trim().split(/\s+/);
  return { language, mark, line, lines: [] };
}

/** The files that a page's blocks make. Each line keeps its number, so that an error's line is the page's. */
function toFiles({ path, blocks }) {
  const folder = join(out, path.replace(/\.md$/, "").replaceAll("/", "-"));
  const joined = blocks.filter(({ mark }) => mark === "");
  const alone = blocks.filter(({ mark }) => mark !== "");
  const groups =
    joined.length > 0 ? [joined, ...alone.map((block) => [block])] : alone.map((block) => [block]);
  return groups.map((group) => {
    const [{ language, mark, line }] = group;
    const name = mark.includes(".") ? mark : mark ? `line-${line}.${language}` : `page.${language}`;
    const file = { path, name: join(folder, name), runs: mark === "run" };
    mkdirSync(dirname(file.name), { recursive: true });
    writeFileSync(file.name, toText(group));
    return file;
  });
}

function toText(group) {
  const text = [];
  for (const { line, lines } of group) {
    while (text.length < line) text.push("");
    text.push(...lines);
  }
  return `${text.join("\n")}\n`;
}

function checkTypes(checked) {
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: { checkJs: true, noUnusedLocals: false, noUnusedParameters: false, rootDir: root },
    files: checked.map(({ name }) => relative(out, name)),
    include: [],
  };
  writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const result = spawnSync(process.execPath, [tsc, "-p", out, "--pretty", "false"], {
    cwd: root,
    encoding: "utf8",
  });
  if (result.status === 0) return [];
  return [
    `${result.stdout}${result.stderr}`.trim().replaceAll(/^(\S+)\((\d+),(\d+)\)/gm, (place, name, line) => {
      const file = checked.find((it) => it.name === resolve(root, name));
      return file ? `${file.path}:${line}` : place;
    }),
  ];
}

function run({ path, name }) {
  const args = ["--conditions=bowline-source", "--import", "tsx", name];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: runTimeoutMs });
  if (result.status === 0) return [];
  const why = result.error ? `did not end: ${result.error.message}` : `ended with ${result.status}`;
  return [`${path}: the block ${why}\n${result.stderr.replaceAll(name, path)}`];
}

function checkLinks({ path, prose }) {
  return prose.flatMap((line, index) =>
    [...line.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
      const problem = findLinkProblem(path, link);
      return problem ? [`${path}:${index + 1}: ${problem}`] : [];
    }),
  );
}

/** Vitest runs the tests whose path contains the argument; one that fits none would show nothing. */
function checkCommands({ path, lines }) {
  return lines.flatMap((line, index) =>
    Array.from(line.matchAll(/`npm test -- ([^`\s-][^`\s]*)`/g), ([, part]) => part)
      .filter((part) => !listTests().some((test) => test.includes(part)))
      .map((part) => `${path}:${index + 1}: no test has "${part}" in its path`),
  );
}

function listTests() {
  return readdirSync(join(root, "test"), { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join("test", name));
}

function findLinkProblem(path, link) {
  if (/^[a-z]+:/.test(link)) return null;
  const [target, anchor] = link.split("#");
  const file = target ? join(dirname(path), target) : path;
  if (!existsSync(join(root, file))) return `links to ${link}, which does not exist`;
  if (!anchor || !file.endsWith(".md")) return null;
  return listAnchors(file).includes(anchor) ? null : `links to ${link}, but ${file} has no such heading`;
}

/** The anchors that GitHub gives a page's headings. */
function listAnchors(path) {
  const headings = readFileSync(join(root, path), "utf8").matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, text]) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
