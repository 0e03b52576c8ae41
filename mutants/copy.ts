import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { applyTo, type Mutant } from "./mutant.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const scriptFolder = "spec/redis/";

/** What the tests need of the repository. */
const copied = [
  "src",
  "spec",
  "conformance",
  "test",
  "examples",
  "faults",
  "mutants",
  "bench",
  "scripts",
  "docs",
];
const copiedFiles = /\.(json|md)$|^vitest\.config\.ts$/;

/**
 * A copy of the repository as it lies there, with the packages linked: the place where faults are put in, so that no
 * crash can leave one in the repository, and processes that tests start find it too.
 */
export class Copy {
  readonly folder: string = mkdtempSync(join(tmpdir(), "bowline-mutants-"));

  constructor() {
    for (const name of copied) cpSync(join(root, name), join(this.folder, name), { recursive: true });
    for (const name of readdirSync(root))
      if (copiedFiles.test(name)) cpSync(join(root, name), join(this.folder, name));
    this.#linkPackages();
  }

  /** Runs a task while the fault is in the copy. Throws before that when the fault does not fit. */
  async with<T>(mutant: Mutant, task: () => Promise<T>): Promise<T> {
    const files = this.#filesOf(mutant).map((file) => {
      const path = join(this.folder, file);
      return { file, path, text: readFileSync(path, "utf8") };
    });
    for (const { file, path, text } of files) writeFileSync(path, applyTo(text, { ...mutant, file }));
    try {
      this.#generate(mutant);
      return await task();
    } finally {
      for (const { path, text } of files) writeFileSync(path, text);
      this.#generate(mutant);
    }
  }

  /** What several scripts of Redis share stands in each of them. */
  #filesOf({ file, from }: Mutant): string[] {
    if (!file.startsWith(scriptFolder)) return [file];
    const scripts = readdirSync(join(this.folder, scriptFolder)).map((name) => `${scriptFolder}${name}`);
    return scripts.filter(
      (path) => path === file || readFileSync(join(this.folder, path), "utf8").includes(from),
    );
  }

  /** A script of Redis is run from what is made of it. */
  #generate({ file }: Mutant): void {
    if (!file.startsWith(scriptFolder)) return;
    execFileSync(process.execPath, ["scripts/redis-scripts.mjs"], { cwd: this.folder, stdio: "pipe" });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** One by one, so that what tools keep in node_modules stays in the copy. */
  #linkPackages(): void {
    const packages = join(root, "node_modules");
    mkdirSync(join(this.folder, "node_modules"));
    for (const name of readdirSync(packages))
      if (!name.startsWith(".vite"))
        symlinkSync(join(packages, name), join(this.folder, "node_modules", name));
  }
}
