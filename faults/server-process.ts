import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrokerAddress, ContenderName } from "./contenders/contender.ts";

const script = fileURLToPath(new URL("server.ts", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const startMs = 20_000;

/** A server in a process of its own, which can be killed and comes back on the same port. */
export class ServerProcess {
  readonly #contender: ContenderName;
  readonly #broker: BrokerAddress;
  #child: ChildProcess | null = null;
  #isUp = false;
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

  /** Starts it; resolves when it listens. */
  async start(): Promise<void> {
    const { name, port } = this.#broker;
    const child = fork(script, [this.#contender, String(this.#port), name, String(port)], {
      cwd: root,
      execArgv: ["--import", "tsx", "--conditions=bowline-source"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    const signal = AbortSignal.timeout(startMs);
    const exited = once(child, "exit", { signal }).then(([code]): never => {
      throw new Error(`the ${this.#contender} server ended with ${String(code)} before it listened`);
    });
    // Only the first to settle counts.
    exited.catch(() => {});
    const [message] = (await Promise.race([once(child, "message", { signal }), exited])) as [
      { port: number },
    ];
    this.#port = message.port;
    this.#isUp = true;
  }

  /** Ends it as `kill -9` does. Throws if it had ended by itself. */
  kill(): Promise<void> {
    return this.#end((child) => child.kill("SIGKILL"));
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

  async #end(how: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    this.#isUp = false;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the ${this.#contender} server ended by itself, with ${child.exitCode}`);
    const exited = once(child, "exit");
    how(child);
    await exited;
  }
}
