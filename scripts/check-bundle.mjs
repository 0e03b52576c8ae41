/**
 * Bundles the built package as a browser application would and checks what arrives there: how many bytes, and
 * from which files. Needs dist.
 */
import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { buildProduction } from "./build-production.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const client = `import { createClient } from "bowline/client"; createClient();`;

/**
 * Bundles, each with the size it must keep to: minified and gzipped. A bundler's production build takes the condition
 * `production`; the others are what a page under development gets. `lazyBytesMax` bounds what is loaded only when it is
 * needed, and counts apart.
 */
const bundles = [
  {
    name: "client, in production",
    code: client,
    conditions: ["production"],
    gzipBytesMax: 8240,
    lazyBytesMax: 400,
  },
  { name: "client, under development", code: client, gzipBytesMax: 12_000, lazyBytesMax: 400 },
  {
    name: "contract only",
    code: `export { contract, room, event, signal, request } from "bowline";`,
    gzipBytesMax: 1950,
  },
];

/** What no browser bundle may contain. */
const forbiddenPath = /^dist\/(?!base\/|protocol\/|contract\/|client\/)|node_modules\//;

if (!existsSync(join(root, "dist/client/production"))) await buildProduction();
let isFailed = false;
for (const bundle of bundles) await check(bundle);
process.exitCode = isFailed ? 1 : 0;

async function check({ name, code, conditions = [], gzipBytesMax, lazyBytesMax = 0 }) {
  const result = await bundleForBrowser(code, conditions).catch((error) => fail(`${name}: ${error.message}`));
  if (!result) return;
  const atFirst = listLoadedAtFirst(result.metafile);
  const sizes = { atFirst: 0, later: 0 };
  for (const { path, contents } of result.outputFiles) {
    const part = atFirst.has(relative(root, path).split(sep).join("/")) ? "atFirst" : "later";
    sizes[part] += gzipSync(contents, { level: 9 }).length;
  }
  const later = lazyBytesMax ? `, and ${sizes.later} of at most ${lazyBytesMax} when needed` : "";
  const summary = `${name}: ${sizes.atFirst} B gzipped of at most ${gzipBytesMax}${later}`;
  if (sizes.atFirst <= gzipBytesMax && sizes.later <= lazyBytesMax) console.log(`bundle: ${summary}`);
  else fail(`${summary}; largest files: ${listLargest(result.metafile)}`);

  for (const [path, { imports }] of Object.entries(result.metafile.inputs)) {
    const importers = () => listImporters(result.metafile, path).join(", ");
    if (forbiddenPath.test(path)) fail(`${name}: contains ${path}, imported by ${importers()}`);
    for (const external of imports.filter((it) => it.external)) {
      fail(`${name}: ${path} imports "${external.path}", which browsers do not have`);
    }
  }
}

/** Packages and built-ins stay outside the bundle, so that the metafile names them rather than failing. */
function bundleForBrowser(contents, conditions) {
  return build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, sourcefile: "entry.js" },
    outdir: join(root, "dist/bundle"),
    conditions,
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    logLevel: "silent",
    metafile: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external: ["node:*", "ws"],
  });
}

/** The entry, and what it imports by static imports. */
function listLoadedAtFirst({ outputs }) {
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path]?.imports ?? [])
      if (kind === "import-statement") load(next);
  };
  load(Object.keys(outputs).find((path) => outputs[path].entryPoint));
  return loaded;
}

function listImporters(metafile, path) {
  const inputs = Object.entries(metafile.inputs);
  return inputs
    .filter(([, input]) => input.imports.some((it) => it.path === path))
    .map(([importer]) => importer);
}

function listLargest(metafile) {
  return Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    .slice(0, 5)
    .map(([path, { bytesInOutput }]) => `${path} ${bytesInOutput} B`)
    .join(", ");
}

function fail(message) {
  console.error(`bundle: ${message}`);
  isFailed = true;
}
