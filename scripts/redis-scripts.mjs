/**
 * Brings spec/redis and the code together: writes the SHA-1 of each script into spec/redis/manifest.json, and all of them
 * into src/brokers/redis/generated-scripts.ts, which is what the package runs: no file has to be found at run time, so
 * that a server may be bundled. With --check it writes nothing, and fails when something is not as it would be written.
 *
 * Every script is whole in itself. What several of them share stands between "-- shared: <name>" and "-- end" in each,
 * and has to be the same in all.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const args = process.argv.slice(2);
const root = args.find((arg) => !arg.startsWith("-")) ?? fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "spec/redis");
const manifestPath = join(folder, "manifest.json");
const modulePath = join(root, "src/brokers/redis/generated-scripts.ts");
const problems = [];

const manifestText = readFileSync(manifestPath, "utf8");
const manifest = JSON.parse(manifestText);
const scripts = Object.entries(manifest.scripts).map(([name, script]) => {
  const lua = readFileSync(join(folder, script.file), "utf8");
  return { name, script, lua, sha1: createHash("sha1").update(lua).digest("hex") };
});

checkFiles();
checkFlags();
checkShared();
const written = [
  [manifestPath, withHashes()],
  [modulePath, moduleText()],
];
if (args.includes("--check")) check();
else if (problems.length === 0) for (const [path, text] of written) writeFileSync(path, text);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`redis scripts: ${scripts.length} of layout ${manifest.layout}`);

function check() {
  for (const { script, sha1 } of scripts)
    if (script.sha1 !== sha1)
      problems.push(`spec/redis/${script.file}: its SHA-1 is ${sha1}, the manifest says ${script.sha1}`);
  for (const [path, text] of written)
    if (readFileSync(path, "utf8") !== text)
      problems.push(`${path} is out of date: run node scripts/redis-scripts.mjs`);
}

function checkFiles() {
  const named = new Set(scripts.map(({ script }) => script.file));
  for (const file of readdirSync(folder))
    if (file.endsWith(".lua") && !named.has(file))
      problems.push(`spec/redis/${file} is not in the manifest: add it there, or delete it`);
}

function checkFlags() {
  for (const { script, lua } of scripts) {
    const first = script.flags.length > 0 ? `#!lua flags=${script.flags.join(",")}` : "#!lua";
    if (!lua.startsWith(`${first}\n`))
      problems.push(`spec/redis/${script.file} must begin with "${first}", as the manifest has it`);
  }
}

function checkShared() {
  const known = new Map();
  for (const { script, lua } of scripts) {
    for (const [, name, text] of lua.matchAll(/^-- shared: (\S+)\n(.*?)^-- end$/gms)) {
      const { text: other, file } = known.get(name) ?? { text, file: script.file };
      if (other !== text)
        problems.push(`spec/redis/${script.file}: "-- shared: ${name}" is another text than in ${file}`);
      known.set(name, { text: other, file });
    }
  }
}

/** The manifest's own text with the hashes put in: it stays formatted as it was. */
function withHashes() {
  let text = manifestText;
  for (const { name, script, sha1 } of scripts) {
    const at = text.indexOf(`"sha1": "${script.sha1}"`, text.indexOf(`"${name}": {`));
    text = `${text.slice(0, at)}"sha1": "${sha1}"${text.slice(at + `"sha1": "${script.sha1}"`.length)}`;
  }
  return text;
}

function moduleText() {
  const entries = scripts.map(({ name, script, lua, sha1 }) => {
    const types = `[${script.keys.map(({ type }) => `"${type}"`).join(", ")}]`;
    return `  ${camelCase(name)}: {\n    sha1: "${sha1}",\n    keyTypes: ${types},\n    lua: ${JSON.stringify(lua)},\n  },\n`;
  });
  return [
    "/** Made from spec/redis by scripts/redis-scripts.mjs: change it there. */",
    'import type { Script } from "./script.ts";',
    "",
    "/** The layout of the data that these scripts read and write. */",
    `export const layout = ${manifest.layout};`,
    "",
    `type ScriptName =\n${scripts.map(({ name }) => `  | "${camelCase(name)}"`).join("\n")};`,
    "",
    "/** Every script, as Redis is given it: each connection begins with loading all of them. */",
    `export const scripts: Readonly<Record<ScriptName, Script>> = {\n${entries.join("")}};`,
    "",
  ].join("\n");
}

function camelCase(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}
