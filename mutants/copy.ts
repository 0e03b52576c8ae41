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
    const path = join(this.folder, mutant.file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, applyTo(text, mutant));
    try {
      this.#generate(mutant);
      return await task();
    } finally {
      writeFileSync(path, text);
      this.#generate(mutant);
    }
  }

  /** A script of Redis is run from what is made of it. */
  #generate({ file }: Mutant): void {
    if (!file.startsWith("spec/redis/")) return;
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
