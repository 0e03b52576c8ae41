/**
 * Checks the import rules of src: which layer may import which, where time and chance may be read, and how
 * folders and files are named. The tables below are the rules; ARCHITECTURE.md says why.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

/**
 * For each layer, where its imports may point: folders or files of src, and outside names in `packages`
 * ("node:*" for built-ins; `undefined` leaves them free). `values` may be imported for types as well.
 */
const layers = {
  base: { values: [], packages: [] },
  protocol: { values: ["base"], packages: [] },
  contract: { values: ["base", "protocol"], packages: [] },
  "contract-file": { values: ["base", "protocol", "contract"], packages: [] },
  client: { values: ["base", "protocol", "contract"], packages: [] },
  server: { values: ["base", "protocol", "contract", "contract-file"], packages: ["node:*"] },
  brokers: { values: ["base", "protocol", "server/broker.ts"] },
  engines: { values: ["base", "protocol"], types: ["server/engine.ts"] },
  conformance: { values: ["base"], packages: ["node:*", "ws"] },
  testing: {
    values: ["base", "protocol", "contract", "client", "server", "brokers", "engines", "conformance"],
  },
  cli: { values: ["base", "protocol", "contract", "contract-file", "conformance"], packages: ["node:*"] },
};

/** Files that may do more than their layer, each for the reason given. */
const extras = {
  // Stores the outbox of a client that runs on Node.
  "client/file-store.ts": { packages: ["node:*"] },
};

/** An engine's entry is what users hand their server to, so it may name that type. */
const engineEntry = /^engines\/[^/]+\/index\.ts$/;
const engineEntryTypes = ["server"];

/** Time and chance are injected everywhere else: that is what lets the simulator replay a run from its seed. */
const clockAndChance = {
  allowed: ["base", "engines", "brokers", "conformance", "client/socket.ts", "client/file-store.ts"],
  globals: new Set(
    "Date setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate crypto".split(" "),
  ),
  members: new Set(["Math.random", "performance.now", "performance.timeOrigin", "process.hrtime"]),
  modules: new Set(["node:crypto", "node:timers", "node:timers/promises", "node:perf_hooks"]),
};

/** The TypeScript nodes that are not types: `x as T`, `x!`, `x satisfies T`, `f<T>`, parameter properties. */
const holdsExpression = /^TS(As|NonNull|Satisfies|Instantiation|TypeAssertion|ParameterProperty|Export)/;
/** What a visitor returns to stay out of a node's children. */
const skip = Symbol("skip");

const vagueFolders = new Set(["utils", "util", "helpers", "helper", "common", "shared"]);

const root = fileURLToPath(new URL("..", import.meta.url));
const src = resolve(root, "src");
const problems = [];
/** Names that stand for a file of src, or for another one in some builds. */
const { imports = {} } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
/** Value imports between files of src, for the search for cycles. */
const graph = new Map();

const files = existsSync(src) ? listFiles(src) : [];
for (const file of files) checkFile(file);
for (const cycle of findCycles(graph)) {
  report(
    cycle[0],
    1,
    `value-import cycle ${cycle.join(" -> ")}`,
    "move what both need into a file of its own",
  );
}

for (const problem of problems.sort((a, b) => (a < b ? -1 : 1))) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${files.length} files keep to the import rules`);

function checkFile(file) {
  checkName(file);
  const code = readFileSync(resolve(src, file), "utf8");
  const { program, errors } = parseSync(file, code);
  const lineAt = (offset) => code.slice(0, offset).split("\n").length;
  if (errors.length > 0) return report(file, 1, `does not parse: ${errors[0].message}`, "correct the syntax");

  graph.set(file, []);
  for (const { specifier, isType, start } of findImports(program)) {
    checkImport({ file, line: lineAt(start), specifier, isType });
  }
  if (!matches(clockAndChance.allowed, file)) {
    for (const { name, start } of findGlobals(program)) {
      report(
        file,
        lineAt(start),
        `${name} is used directly`,
        "take it from the injected clock or random (src/base)",
      );
    }
  }
}

function checkName(file) {
  const folders = file.split("/").slice(0, -1);
  const vague = folders.find((folder) => vagueFolders.has(folder));
  if (vague) report(file, 1, `folder "${vague}" says nothing`, "name it after what is in it");
  if (file.endsWith("/index.ts") && !listEntries().has(file)) {
    report(
      file,
      1,
      "index.ts that is no subpath of the package",
      "import the files it re-exports, delete it",
    );
  }
}

function checkImport({ file, line, specifier, isType }) {
  const own = imports[specifier]?.["bowline-source"];
  if (!own && !specifier.startsWith(".")) return checkPackage({ file, line, specifier });
  const path = own ? resolve(root, own) : resolve(src, dirname(file), specifier);
  const target = relative(src, path).split(sep).join("/");
  if (target.startsWith(".."))
    return report(file, line, `imports ${specifier} from outside src`, "move it into src");
  if (!isType) graph.get(file).push(target);

  const layer = layerOf(file);
  if (layer === layerOf(target)) return undefined;
  const rule = layers[layer];
  if (!rule) return report(file, line, `layer "${layer}" is not known`, "add it to scripts/check-layers.mjs");
  if (matches(rule.values, target)) return undefined;

  const types = [...(rule.types ?? []), ...(engineEntry.test(file) ? engineEntryTypes : [])];
  if (!matches(types, target)) {
    const allowed = [...rule.values, ...types.map((it) => `types of ${it}`)].join(", ") || "nothing";
    return report(file, line, `${layer} may not import ${target}`, `${layer} may import: ${allowed}`);
  }
  if (isType) return undefined;
  return report(file, line, `${layer} may import only types of ${target}`, "write `import type`");
}

function checkPackage({ file, line, specifier }) {
  const layer = layerOf(file);
  if (specifier === "bowline" || specifier.startsWith("bowline/")) {
    return report(
      file,
      line,
      `imports "${specifier}", the package itself`,
      "import the file by its relative path",
    );
  }
  if (clockAndChance.modules.has(specifier) && !matches(clockAndChance.allowed, file)) {
    const where = clockAndChance.allowed.join(", ");
    return report(file, line, `imports "${specifier}"`, `only ${where} read time and chance; inject it`);
  }
  const allowed = layers[layer]?.packages;
  if (!allowed) return undefined;
  const isAllowed = [...allowed, ...(extras[file]?.packages ?? [])].some(
    (name) => specifier === name || (name === "node:*" && specifier.startsWith("node:")),
  );
  if (isAllowed) return undefined;
  const names = allowed.join(", ") || "no package";
  return report(
    file,
    line,
    `${layer} may not import "${specifier}"`,
    `${layer} may import ${names}; inject the rest`,
  );
}

/** Every import and re-export, with whether only types cross it. */
function findImports(program) {
  const found = [];
  walk(program, (node) => {
    const source = node.source ?? node.argument;
    if (node.type === "ImportDeclaration" || node.type.startsWith("Export")) {
      if (node.source) found.push({ specifier: source.value, isType: isTypeOnly(node), start: node.start });
    } else if (node.type === "ImportExpression" && typeof source?.value === "string") {
      found.push({ specifier: source.value, isType: false, start: node.start });
    } else if (node.type === "TSImportType" && typeof source?.value === "string") {
      found.push({ specifier: source.value, isType: true, start: node.start });
    }
  });
  return found;
}

function isTypeOnly(node) {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = node.specifiers ?? [];
  return (
    specifiers.length > 0 && specifiers.every((it) => it.importKind === "type" || it.exportKind === "type")
  );
}

/** Every use as a value of a global that reads the clock or chance. */
function findGlobals(program) {
  const found = [];
  walk(program, (node, parent, key) => {
    if (node.type.startsWith("TS") && !holdsExpression.test(node.type)) return skip;
    const name = nameOf(node);
    const isPropertyName = (key === "property" || key === "key") && !parent.computed && !parent.shorthand;
    const isClockOrChance = clockAndChance.globals.has(name) || clockAndChance.members.has(name);
    if (!isClockOrChance || isPropertyName) return undefined;
    found.push({ name, start: node.start });
    return skip;
  });
  return found;
}

/** `x` for an identifier, `x.y` for a member of one, `y` for a member of the global object. */
function nameOf(node) {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression" || node.computed || node.object.type !== "Identifier")
    return undefined;
  const isGlobalObject = ["globalThis", "window", "self"].includes(node.object.name);
  return isGlobalObject ? node.property.name : `${node.object.name}.${node.property.name}`;
}

function walk(node, visit, parent = node, key = "") {
  if (visit(node, parent, key) === skip) return;
  for (const [childKey, child] of Object.entries(node)) {
    const children = Array.isArray(child) ? child : [child];
    for (const it of children) if (typeof it?.type === "string") walk(it, visit, node, childKey);
  }
}

/** Depth-first search: a file met again while its own imports are being followed closes a cycle. */
function findCycles(edges) {
  const cycles = [];
  const done = new Set();
  const path = [];
  const follow = (file) => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of edges.get(file) ?? []) follow(target);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) follow(file);
  return cycles;
}

function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(src, resolve(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/** The sources behind the package's subpaths. */
function listEntries() {
  const { exports } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
  const sources = Object.values(exports).flatMap(({ "bowline-source": it = [] }) =>
    typeof it === "string" ? it : Object.values(it),
  );
  return new Set(sources.map((path) => path.replace("./src/", "")));
}

function layerOf(file) {
  return file.split("/")[0];
}

/** Whether a file is one of the places, or lies in one. */
function matches(places, file) {
  return places.some((place) => file === place || file.startsWith(`${place}/`));
}

function report(file, line, problem, remedy) {
  problems.push(`src/${file}:${line}: ${problem}; ${remedy}`);
}
