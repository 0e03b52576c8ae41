/**
 * Bundles the built package as a browser application would and checks what arrives there: how many bytes, and
 * from which files. Needs dist.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Bundles, each with the size it must keep to: minified and gzipped. */
const bundles = [
  { name: "bowline/client", code: `export * from "bowline/client";`, gzipBytesMax: 8400 },
  {
    name: "contract only",
    code: `export { contract, room, event, signal, request } from "bowline";`,
    gzipBytesMax: 1900,
  },
];

/** What no browser bundle may contain. */
const forbiddenPath = /^dist\/(?!base\/|protocol\/|contract\/|client\/)|node_modules\//;

let isFailed = false;
for (const bundle of bundles) await check(bundle);
process.exitCode = isFailed ? 1 : 0;

async function check({ name, code, gzipBytesMax }) {
  const result = await bundleForBrowser(code).catch((error) => fail(`${name}: ${error.message}`));
  if (!result) return;
  const [output] = result.outputFiles;
  const gzipBytes = gzipSync(output.contents, { level: 9 }).length;
  const summary = `${name}: ${gzipBytes} B gzipped of at most ${gzipBytesMax}`;
  if (gzipBytes <= gzipBytesMax) console.log(`bundle: ${summary}`);
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
function bundleForBrowser(contents) {
  return build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, sourcefile: "entry.js" },
    bundle: true,
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

function listImporters(metafile, path) {
  const inputs = Object.entries(metafile.inputs);
  return inputs
    .filter(([, input]) => input.imports.some((it) => it.path === path))
    .map(([importer]) => importer);
}

function listLargest(metafile) {
  const [output] = Object.values(metafile.outputs);
  return Object.entries(output.inputs)
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    .slice(0, 5)
    .map(([path, { bytesInOutput }]) => `${path} ${bytesInOutput} B`)
    .join(", ");
}

function fail(message) {
  console.error(`bundle: ${message}`);
  isFailed = true;
}
