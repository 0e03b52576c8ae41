/**
 * Makes dist/client/production: the client as a page in production loads it, in place of dist/client/index.js where a
 * bundler asks for the condition `production`. The same program, in which what only the client itself names has short
 * names, and code is written as short as it goes: the bundlers of applications do less of that. They still give local
 * variables short names and drop the white space. Needs dist.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";
import { parseSync } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = resolve(root, "dist");

/**
 * What only the client itself names, and no program, server or platform: these names are made short. One that is missing
 * here costs some bytes; one that is wrong here is found out below, or by the tests that run what is made.
 */
const internalNames = `
  abandon announce answered awaitsAnswers begin calls changed connection disown emit emitters ended
  endpoint enter expire expired fates giveUp greeted hasNewToken hello idOf identity
  isChanged isHeard isLeaving isOpen isOpened joinRequest limits lost marked methods nextRef owns pump queue
  readers receive receiveError redial renew report roomStates sendPayload settle settled
  statuses stored takeChanges takeRef takesCalls tell tokenSource welcomed whose
`
  .trim()
  .split(/\s+/);

/** Whose types name what others see of the client, or it of others; codes travel as their names. */
const publicTypes = ["client/index.d.ts", "protocol/codes.d.ts"];

/** What of the platform has names that the client uses. */
const platform = [
  [Array, Map, Set, Promise, Object, Function, String, Number, RegExp, Date, Error, new Error(""), Symbol],
  [JSON, Math, console, crypto, performance, globalThis, Uint8Array, TextEncoder],
  [URL, Request, Response, Headers, AbortController, AbortSignal, EventTarget, Event, MessageEvent],
].flat();

const entry = {
  absWorkingDir: root,
  entryPoints: ["dist/client/index.js"],
  outdir: "dist/client/production",
  chunkNames: "[name]",
  conditions: ["production"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
  plugins: [{ name: "errors-apart", setup: keepErrorsApart }],
};

/** What is left out makes the gzipped file larger, or takes for granted what does not hold everywhere. */
const compressing = {
  module: true,
  ecma: 2022,
  toplevel: true,
  mangle: false,
  // No getter here does anything but read.
  compress: {
    passes: 2,
    pure_getters: true,
    keep_fargs: false,
    hoist_funs: true,
    reduce_funcs: false,
    sequences: false,
  },
  format: { beautify: true, indent_level: 2 },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildProduction();

/** Writes the files, with source maps. */
export async function buildProduction() {
  const { outputFiles } = await build({ ...entry, write: false });
  const used = new Set(outputFiles.flatMap(({ path, text }) => listPropertyNames(path, text)));
  const kept = new Set([...listPublicNames(), ...listPlatformNames()]);
  for (const name of internalNames) {
    if (!used.has(name))
      throw new Error(`build-production: the client has no property "${name}": leave it out`);
    if (kept.has(name))
      throw new Error(`build-production: "${name}" is known outside of the client: leave it out`);
  }
  const made = await build({
    ...entry,
    minifySyntax: true,
    sourcemap: true,
    mangleProps: new RegExp(`^(?:${internalNames.join("|")})$`),
    write: false,
  });
  const texts = new Map(made.outputFiles.map(({ path, text }) => [path, text]));
  for (const path of texts.keys()) if (path.endsWith(".js")) await writeCompressed(path, texts);
}

/** Its source map leads from the compressed file to the sources that the given one leads to. */
async function writeCompressed(path, texts) {
  const name = basename(path);
  const { code, map } = await minify(
    { [name]: texts.get(path) },
    { ...compressing, sourceMap: { content: texts.get(`${path}.map`), filename: name, url: `${name}.map` } },
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  writeFileSync(`${path}.map`, map);
}

/** `bowline` gives the same class: a page with both has it once. */
function keepErrorsApart({ onResolve }) {
  onResolve({ filter: /\/protocol\/errors\.js$/ }, () => ({
    path: "../../protocol/errors.js",
    external: true,
  }));
}

/** The names of all properties that a program defines or reads. */
function listPropertyNames(path, text) {
  const names = [];
  const visit = (node) => {
    if (typeof node?.type !== "string") return;
    const name = node.type === "MemberExpression" ? node.property : node.key;
    if (name?.type === "Identifier" && !node.computed) names.push(name.name);
    for (const child of Object.values(node)) for (const it of [child].flat()) visit(it);
  };
  visit(parseSync(path, text).program);
  return names;
}

/** Every word in the types that leave the package, as far as they lead from one file to the next. */
function listPublicNames() {
  const names = new Set();
  const seen = new Set();
  const read = (path) => {
    if (seen.has(path) || !existsSync(path)) return;
    seen.add(path);
    const text = readFileSync(path, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    for (const [word] of text.replaceAll(/".*?"/g, "").matchAll(/[\w$]+/g)) names.add(word);
    for (const [, from] of text.matchAll(/from "(\..+?)\.ts"/g)) read(resolve(dirname(path), `${from}.d.ts`));
  };
  for (const path of publicTypes) read(resolve(dist, path));
  const inner = [...seen]
    .map((path) => relative(dist, path).split(sep).join("/"))
    .find((it) => it.endsWith("core.d.ts"));
  if (inner) throw new Error(`public types lead to ${inner}, and so nothing is internal`);
  return names;
}

function listPlatformNames() {
  return platform.flatMap((it) => [it, it.prototype].flatMap(listAllNames));
}

function listAllNames(object) {
  return object
    ? [...Object.getOwnPropertyNames(object), ...listAllNames(Object.getPrototypeOf(object))]
    : [];
}
