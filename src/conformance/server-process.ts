import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandProcess } from "./command-process.ts";
import type { JsonObject } from "./case.ts";
import { isObject } from "./form.ts";
import { parseJson } from "./json.ts";
import { shown } from "./match.ts";

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** What is asked over HTTP. */
export interface HttpQuestion {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Options of {@link ServerProcess.start}. */
export interface ServerStart {
  readonly command: string;
  readonly config: JsonObject;
  /** How long it may take to tell its port. */
  readonly startMs: number;
  /** How long it may take to answer over HTTP. */
  readonly answerMs: number;
}

/** A server under test. */
export class ServerProcess {
  readonly port: number;
  readonly #process: CommandProcess;
  readonly #answerMs: number;
  readonly #life: Life;

  /** Resolves when it has told its port; rejects with what it did instead. */
  static async start(start: ServerStart): Promise<ServerProcess> {
    let end: () => void = () => {};
    const life: Life = { ended: null, over: new Promise((resolve) => (end = resolve)) };
    const { promise, settle } = portOf();
    const command = new CommandProcess({
      command: start.command,
      config: start.config,
      onLine: (line) => settle(readPort(line)),
      onEnd(why) {
        life.ended = why;
        end();
        settle(why);
      },
    });
    const timer = setTimeout(
      () => settle(`printed no port within ${start.startMs} ms${command.lastWords()}`),
      start.startMs,
    );
    const port = await promise;
    clearTimeout(timer);
    if (typeof port === "number") return new ServerProcess(port, command, start.answerMs, life);
    await command.kill();
    throw new Error(`the server under test (${start.command}) ${port}`);
  }

  private constructor(port: number, command: CommandProcess, answerMs: number, life: Life) {
    this.port = port;
    this.#process = command;
    this.#answerMs = answerMs;
    this.#life = life;
  }

  /**
   * How it ended by itself; null while it runs. A line that broke is seen before the end of the process is: so this waits a
   * little for it.
   */
  async ended(): Promise<string | null> {
    if (this.#life.ended === null)
      await Promise.race([this.#life.over, sleep(endMs, undefined, { ref: false })]);
    return this.#life.ended;
  }

  /** The same, as far as it is known by now. */
  get knownEnd(): string | null {
    return this.#life.ended;
  }

  /** Asks it something over its control channel; rejects where it does not answer with JSON and 200. */
  async control(call: unknown): Promise<unknown> {
    const { status, body } = await this.ask({
      method: "POST",
      path: "/control",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(call),
    });
    const answer = parseJson(body);
    if (status === 200 && answer !== undefined) return answer;
    throw new Error(`the control channel answered ${shown(call)} with ${status} and ${shown(body)}`);
  }

  /** Asks it something over HTTP. */
  ask({ method, path, headers, body }: HttpQuestion): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: "127.0.0.1", port: this.port, method, path, headers, agent: false, timeout: this.#answerMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
          });
        },
      );
      asked.once("timeout", () =>
        asked.destroy(new Error(`${method} ${path} was not answered within ${this.#answerMs} ms`)),
      );
      asked.once("error", reject);
      asked.end(body);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.signal(name);
  }

  /** Resolves when it has ended, however that came. */
  whenEnded(): Promise<void> {
    return this.#process.whenEnded();
  }

  /** What it wrote to its standard error last, for a text about it. */
  lastWords(): string {
    return this.#process.lastWords();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}

interface Life {
  ended: string | null;
  readonly over: Promise<void>;
}

const endMs = 300;

/** A port, or what came in its place: the first to be settled counts. */
function portOf(): { promise: Promise<number | string>; settle: (port: number | string) => void } {
  let settle: (port: number | string) => void = () => {};
  const promise = new Promise<number | string>((resolve) => (settle = resolve));
  return { promise, settle };
}

function readPort(line: string): number | string {
  const told = parseJson(line);
  const port = isObject(told) ? told["port"] : undefined;
  if (Number.isSafeInteger(port) && (port as number) > 0 && (port as number) < 65_536) return port as number;
  return `has to print {"port":…} as its first line, and printed ${shown(line)}`;
}
