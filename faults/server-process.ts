import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrokerAddress, ContenderName } from "./contenders/contender.ts";

const script = fileURLToPath(new URL("server.ts", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const startMs = 40_000;
/** How long one may take to end: longer than its drain may. */
const endMs = 30_000;
/** How long until one that ended is started again. */
const againMs = 300;
/** How much of its last words is kept. */
const saidLengthMax = 4000;

/** A server in a process of its own, which can be killed and comes back on the same port. */
export class ServerProcess {
  readonly #contender: ContenderName;
  readonly #broker: BrokerAddress;
  #child: ChildProcess | null = null;
  #said = "";
  #isUp = false;
  #starting: Promise<void> | null = null;
  #port = 0;

  constructor(contender: ContenderName, broker: BrokerAddress) {
    this.#contender = contender;
    this.#broker = broker;
  }

  /** Whether it listens. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** The port it listens on, from the first start on. */
  get port(): number {
    return this.#port;
  }

  /** Starts it; resolves when it listens. One that can't reach its broker ends, and is started again, as by a supervisor. */
  async start(): Promise<void> {
    if (this.#isUp) return;
    // Two faults may bring the same one back.
    this.#starting ??= this.#startAtLast().finally(() => (this.#starting = null));
    await this.#starting;
  }

  async #startAtLast(): Promise<void> {
    const endMs = performance.now() + startMs;
    for (;;) {
      try {
        return await this.#startOnce();
      } catch (error) {
        if (performance.now() > endMs) throw error;
        await sleep(againMs);
      }
    }
  }

  /** Ends it as `kill -9` does. Throws if it had ended by itself. */
  kill(): Promise<void> {
    return this.#end((child) => child.kill("SIGKILL"));
  }

  /** Stops it from running for a while, with all its lines. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Lets it send its clients away and end. */
  drain(): Promise<void> {
    return this.#end((child) => child.send("drain"));
  }

  /** Kills it, and starts it again after a while. */
  async restart(afterMs: number): Promise<void> {
    await this.kill();
    await sleep(afterMs);
    await this.start();
  }

  async #startOnce(): Promise<void> {
    const { name, port, folder } = this.#broker;
    const child = fork(script, [this.#contender, String(this.#port), name, String(port), folder], {
      cwd: root,
      execArgv: ["--import", "tsx", "--conditions=bowline-source"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#said = "";
    child.stderr?.on("data", (text) => (this.#said = `${this.#said}${String(text)}`.slice(-saidLengthMax)));
    const signal = AbortSignal.timeout(startMs);
    const exited = once(child, "exit", { signal }).then(([code]): never => {
      throw new Error(
        `the ${this.#contender} server ended with ${String(code)} before it listened:\n${this.#said}`,
      );
    });
    // Only the first to settle counts.
    exited.catch(() => {});
    const listening = Promise.race([once(child, "message", { signal }), exited]);
    const [message] = (await listening.catch((error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    })) as [{ port: number }];
    this.#child = child;
    this.#port = message.port;
    this.#isUp = true;
  }

  async #end(how: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    this.#isUp = false;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the ${this.#contender} server ended by itself, with ${child.exitCode}`);
    const exited = once(child, "exit", { signal: AbortSignal.timeout(endMs) });
    how(child);
    await exited.catch((error: unknown) => {
      child.kill("SIGKILL");
      throw new Error(`the ${this.#contender} server did not end:\n${this.#said}`, { cause: error });
    });
  }
}
