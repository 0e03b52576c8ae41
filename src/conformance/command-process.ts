import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** How much of its last words is kept. */
const saidLengthMax = 2000;

/** What a command is started with. */
export interface CommandOptions {
  /** Run by the shell. */
  readonly command: string;
  /** Put into the environment variable `BOWLINE_CONFORMANCE`, as JSON. */
  readonly config: object;
  /** Told of each line of its standard output. */
  readonly onLine: (line: string) => void;
  /** Told once of its end: how it ended, with the last lines of its standard error. */
  readonly onEnd: (why: string) => void;
}

/** The processes that run now: none outlives this one. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signalAll(child, "SIGKILL");
});

/**
 * The program under test. Its standard input stays open until {@link CommandProcess.kill}: a program that reads it sees it
 * end when the runner is gone, however that went.
 */
export class CommandProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #said = "";

  constructor({ command, config, onLine, onEnd }: CommandOptions) {
    const env = { ...process.env, BOWLINE_CONFORMANCE: JSON.stringify(config) };
    // A shell that died of SIGTERM would take the program's standard input with it, while that still drains.
    const line = ownsGroup ? `trap : TERM; ${command}` : command;
    const child = spawn(line, { shell: true, detached: ownsGroup, env, stdio: "pipe" });
    this.#child = child;
    running.add(child);
    // It may end before it has read what it is told.
    child.stdin.on("error", () => {});
    createInterface(child.stdout).on("line", onLine);
    child.stderr.on("data", (data) => (this.#said = `${this.#said}${String(data)}`.slice(-saidLengthMax)));
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#said += error.message;
        resolve();
      });
      child.once("close", (code, signal) => {
        running.delete(child);
        resolve();
        onEnd(`ended with ${signal ?? code}${this.lastWords()}`);
      });
    });
  }

  /** Writes a line to its standard input. */
  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** What it wrote to its standard error last, for a text about it. */
  lastWords(): string {
    const said = this.#said.trim();
    return said === ""
      ? ", and said nothing on its standard error"
      : `; its standard error ends with:\n${said}`;
  }

  /** Sends a signal to it, and to all that it started. */
  signal(name: NodeJS.Signals): void {
    signalAll(this.#child, name);
  }

  /** Resolves when it has ended, however that came. */
  whenEnded(): Promise<void> {
    return this.#ended;
  }

  /** Ends it as `kill -9` does, with all that it started. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }
}

/** Elsewhere a process group can be signalled as a whole: the shell and what it started. */
const ownsGroup = process.platform !== "win32";

function signalAll(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (ownsGroup) process.kill(-child.pid, name);
    else child.kill(name);
  } catch {
    // It has ended.
  }
}
