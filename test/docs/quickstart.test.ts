import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const waitMs = 20_000;
const processes: Running[] = [];
let folder = "";
let port = 0;

// Each test starts several processes, one after another.
vi.setConfig({ testTimeout: 60_000 });

// Inside the package's own folder, so that `bowline/client` is this source.
beforeAll(async () => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  folder = mkdtempSync(join(root, ".cache/quickstart-"));
  port = await findFreePort();
  for (const [, name = "", code = ""] of readme.matchAll(/^```js (\S+)\n([\s\S]*?)^```/gm)) {
    writeFileSync(join(folder, name), code.replaceAll("3000", String(port)));
  }
});

afterEach(async () => {
  for (const running of processes.splice(0)) await running.kill();
  for (const left of ["burst.jsonl", "chat.db"]) rmSync(join(folder, left), { force: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the quick start prints what the README shows", async () => {
  const server = run("server.mjs");
  expect(await server.line(1)).toEqual([`listening on ws://localhost:${port}/bowline`]);
  const [one, two] = [run("client.mjs"), run("client.mjs")];
  await Promise.all([one.line(1), two.line(1)]);
  one.type("hello");

  const shown = outputsOf("## Quick start")[0];
  expect(await one.line(2)).toEqual(shown);
  expect(await two.line(2)).toEqual(shown);

  one.endInput();
  expect(await one.ended()).toBe(0);
});

test("a client killed in the middle of a burst sends the rest, and every number arrives once and in order", async () => {
  await run("server.mjs").line(1);
  const reader = run("client.mjs");
  await reader.line(1);

  expect(await run("burst.mjs").ended()).toBe("SIGKILL");
  const second = run("burst.mjs");
  expect(await second.ended()).toBe(0);
  expect(second.lines).toEqual(outputsOf("## Break it")[0]);

  const numbers = Array.from({ length: 900 }, (_, index) => `${index + 1}: number ${index + 1}`);
  expect(await reader.line(901)).toEqual(["[open]", ...numbers]);
});

test("a server that keeps its logs in a file goes on after Ctrl-C where it was", async () => {
  const { lines } = await restart("server-file.mjs", "2: meanwhile");
  expect(lines.filter((line) => !line.startsWith("["))).toEqual(["1: before", "2: meanwhile"]);
  expect(lines).not.toContain("[gap: epoch]");
});

test("a server without a file gets what was typed meanwhile, and the client says that the log is another one", async () => {
  const { lines } = await restart("server.mjs", "1: meanwhile");
  expect(lines).toContain("[gap: epoch]");
});

/** Does what the README says under "Restart the server", until the client prints `last`. */
async function restart(file: string, last: string): Promise<Running> {
  const first = run(file);
  await first.line(1);
  const client = run("client.mjs");
  client.type("before");
  await client.has("1: before");
  first.interrupt();
  expect(await first.ended()).toBe("SIGINT");
  await client.has("[waiting]");
  client.type("meanwhile");
  await run(file).line(1);
  await client.has(last);
  return client;
}

/** The lines of the ```text blocks below a heading, up to the next of its level. */
function outputsOf(heading: string): string[][] {
  const [section = ""] = readme.slice(readme.indexOf(heading) + heading.length).split(/^## /m);
  return [...section.matchAll(/^```text\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text.trim().split("\n"));
}

/** A file of the README in a process of its own. */
class Running {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  #errors = "";

  constructor(file: string) {
    const args = ["--conditions=bowline-source", "--import", "tsx", file];
    this.#process = spawn(process.execPath, args, { cwd: folder });
    this.#process.stderr?.on("data", (data: Buffer) => (this.#errors += data.toString()));
    const { stdout } = this.#process;
    if (stdout) createInterface({ input: stdout }).on("line", (line) => this.lines.push(line));
  }

  type(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Ctrl-D. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#process.kill("SIGINT");
  }

  /** The first `count` lines, once they are there. */
  async line(count: number): Promise<string[]> {
    await this.#until(() => this.lines.length >= count, `${count} lines`);
    return this.lines.slice(0, count);
  }

  async has(line: string): Promise<void> {
    await this.#until(() => this.lines.includes(line), `"${line}"`);
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | string | null> {
    await this.#until(() => this.#hasEnded, "its end");
    return this.#process.signalCode ?? this.#process.exitCode;
  }

  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async #until(isSo: () => boolean, wanted: string): Promise<void> {
    const deadlineMs = performance.now() + waitMs;
    while (!isSo()) {
      if (performance.now() > deadlineMs) {
        throw new Error(`waited for ${wanted}; got ${this.lines.slice(-5).join(" | ")} ${this.#errors}`);
      }
      await sleep(10);
    }
  }
}

function run(file: string): Running {
  const running = new Running(file);
  processes.push(running);
  return running;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return free;
}
