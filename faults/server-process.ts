import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../src/conformance/case.ts";
import { ServerProcess as Running } from "../src/conformance/server-process.ts";

/** How servers are started. */
export interface ServerCommand {
  /** For the shell. The server is told its config and tells its port as docs/guarantees.md says. */
  readonly command: string;
  readonly config: JsonObject;
  /** How long one may take to tell its port. */
  readonly startMs: number;
}

/** How long a supervisor tries to bring one back. */
const returnMs = 40_000;
/** How often the first start is tried: a machine that is busy may be too slow for one, and a wrong command is soon said. */
const firstTries = 3;
/** How long until one that ended is started again. */
const againMs = 300;
/** How long one may take to end: longer than its drain may. */
const endMs = 30_000;

/** A server in a process of its own, which can be killed and comes back on the same port. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #running: Running | null = null;
  #starting: Promise<void> | null = null;
  #port = 0;
  #isStopped = false;

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** Whether it listens. */
  get isUp(): boolean {
    return this.#running !== null;
  }

  /** The port it listens on, from the first start on. */
  get port(): number {
    return this.#port;
  }

  /** Starts it; resolves when it listens. The first start has to succeed. */
  async start(): Promise<void> {
    if (this.#running || this.#isStopped) return;
    // Two faults may bring the same one back.
    this.#starting ??= this.#startAnyhow().finally(() => (this.#starting = null));
    await this.#starting;
  }

  /** One that can't reach its broker ends, and is started again, as by a supervisor. */
  async #startAnyhow(): Promise<void> {
    const isFirst = this.#port === 0;
    const lastMs = performance.now() + (isFirst ? this.#command.startMs : returnMs);
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#startOnce();
      } catch (error) {
        const isEnough = isFirst && tries === firstTries;
        if (isEnough || this.#isStopped || performance.now() > lastMs) throw error;
        await sleep(againMs);
      }
    }
  }

  /** Kills it for good: nothing starts it again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#starting?.catch(() => {});
    await this.kill();
  }

  /** Ends it as `kill -9` does. Throws if it had ended by itself. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Stops it from running for a while, with all its lines. */
  freeze(): void {
    this.#running?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#running?.signal("SIGCONT");
  }

  /** Lets it send its clients away and end. */
  drain(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Kills it, and starts it again after a while. */
  async restart(afterMs: number): Promise<void> {
    await this.kill();
    await sleep(afterMs);
    await this.start();
  }

  async #startOnce(): Promise<void> {
    const { command, config, startMs } = this.#command;
    const running = await Running.start({
      command,
      config: { ...config, port: this.#port },
      startMs,
      answerMs: startMs,
    });
    this.#running = running;
    this.#port = running.port;
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    const { command } = this.#command;
    if (running.knownEnd !== null) throw new Error(`the server (${command}) ${running.knownEnd}, by itself`);
    running.signal(signal);
    const hasEnded = await Promise.race([
      running.whenEnded().then(() => true),
      sleep(endMs, false, { ref: false }),
    ]);
    if (hasEnded) return;
    await running.kill();
    throw new Error(
      `the server (${command}) did not end within ${endMs} ms of ${signal}${running.lastWords()}`,
    );
  }
}
