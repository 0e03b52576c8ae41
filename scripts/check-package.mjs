/**
 * Packs dist as npm would publish it and checks the tarball as its users will see it: publint reads the
 * manifest, attw resolves the types of every subpath, and what the README links to is in there.
 */
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const contractOfUser = `
import { contract, event, room } from "bowline";
import * as z from "zod";
const message = event(z.object({ text: z.string().max(2000) }));
export const chat = contract({ rooms: { "chat/:room": room({ events: { message } }) } });
`;
/** By the type of the project that they are in. */
const contractFiles = { commonjs: "chat.contract.ts", module: "chat.contract.mjs" };
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bowline-pack-"));
try {
  const { tarball, files } = pack();
  const isValid = await checkManifest(tarball);
  const areTypesValid = checkTypes(tarball);
  const doEntriesLoad = checkEntries();
  const doesProgramRun = checkProgram(tarball);
  const doLinksWork = checkReadme(files);
  const isRight = isValid && areTypesValid && doEntriesLoad && doesProgramRun && doLinksWork;
  process.exitCode = isRight ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Without scripts: the build stage has just run, and prepack would build again. */
function pack() {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const shell = process.platform === "win32";
  const result = spawnSync("npm", args, { cwd: root, encoding: "utf8", shell });
  if (result.status !== 0) throw new Error(`npm pack failed\n${result.stderr}`);
  const [{ filename, entryCount, size, files }] = JSON.parse(result.stdout);
  console.log(`package: ${filename}, ${entryCount} files, ${(size / 1000).toFixed(1)} kB`);
  return { tarball: join(folder, filename), files: new Set(files.map(({ path }) => path)) };
}

async function checkManifest(tarball) {
  const bytes = readFileSync(tarball);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, level: "warning" });
  for (const message of messages) console.error(`publint: ${formatMessage(message, pkg)}`);
  if (messages.length === 0) console.log("publint: ok");
  return messages.length === 0;
}

function checkTypes(tarball) {
  const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const args = [attw, tarball, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"];
  const result = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (result.status === 0) console.log("attw: ok");
  else console.error(result.stdout, result.stderr);
  return result.status === 0;
}

/** Imports every entry as a user's program would: the tests run the sources, and never what the build made of them. */
function checkEntries() {
  const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
  const program = entries.map((entry) => `await import("${name}${entry.slice(1)}");`).join("\n");
  const result = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8",
  });
  if (result.status === 0) console.log(`entries: ${entries.length} load`);
  else console.error(`entries: one of ${entries.join(" ")} does not load\n${result.stderr}`);
  return result.status === 0;
}

/** Runs the program of the package as npm would install it, on a contract of a user's. */
function checkProgram(tarball) {
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  const unpacked = spawnSync("tar", ["-xzf", tarball, "-C", modules], { encoding: "utf8" });
  if (unpacked.status !== 0) throw new Error(`the tarball can't be unpacked\n${unpacked.stderr}`);
  renameSync(join(modules, "package"), join(modules, "bowline"));
  for (const name of ["ws", "zod", "tsx"])
    symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  for (const [type, file] of Object.entries(contractFiles)) {
    mkdirSync(join(folder, type));
    writeFileSync(join(folder, type, "package.json"), JSON.stringify({ type }));
    writeFileSync(join(folder, type, file), contractOfUser);
  }
  const { bin } = JSON.parse(readFileSync(join(modules, "bowline/package.json"), "utf8"));
  const runs = ["contract", "json-schema", "asyncapi"].flatMap((format) =>
    Object.entries(contractFiles).map(([type, file]) => ({ format, path: join(type, file) })),
  );
  const failed = runs.filter(({ format, path }) => {
    const args = [join(modules, "bowline", bin.bowline), "export", format, path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    if (status === 0 && JSON.stringify(JSON.parse(stdout)).includes('"maxLength":2000')) return false;
    console.error(`bowline export ${format} ${path} ended with ${status}\n${stdout}${stderr}`);
    return true;
  });
  if (failed.length === 0) console.log("program: bowline runs from the package");
  return failed.length === 0;
}

/** Every relative link and picture of the README is in the tarball: npm shows the one without the repository. */
function checkReadme(files) {
  const text = readFileSync(join(root, "README.md"), "utf8");
  const links = Array.from(text.matchAll(/\]\(([^)#]+)|(?:src|srcset)="([^"]+)"/g), ([, a, b]) => a ?? b);
  const paths = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => normalize(link).replace(/\/$/, ""));
  const dead = paths.filter(
    (path) => !files.has(path) && ![...files].some((file) => file.startsWith(`${path}/`)),
  );
  for (const path of dead) console.error(`README.md: ${path} is not in the package`);
  if (dead.length === 0) console.log(`README.md: ${paths.length} links lead into the package`);
  return dead.length === 0;
}
