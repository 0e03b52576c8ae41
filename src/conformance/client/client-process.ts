import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../case.ts";
import { CommandProcess } from "../command-process.ts";
import { isObject } from "../form.ts";
import { Mailbox } from "../mailbox.ts";
import { shown } from "../match.ts";

/** The command that is to be a client under test is none, or fails as one. Its message says how, and what it wrote. */
export class ClientCommandError extends Error {
  override readonly name: string = "ClientCommandError";
}

/** How a client under test is run. */
export interface ClientCommand {
  /** For the shell. */
  readonly command: string;
  readonly clock: Clock;
  /** How long it may take to carry a command out. */
  readonly limitMs: number;
  /** How long it may take to be ready. */
  readonly startMs: number;
}

/** The process of a client under test: commands go in as JSON lines, what happens comes out as JSON lines. */
export class ClientProcess {
  /** What it told, in its order. */
  readonly told: Mailbox<JsonObject>;
  /** Secrets that it must not show to anybody but the server. */
  readonly secrets: Set<string> = new Set();
  readonly #options: ClientCommand;
  readonly #process: CommandProcess;
  #lineCount = 0;

  constructor(options: ClientCommand) {
    this.#options = options;
    this.told = new Mailbox(options.clock);
    this.#process = new CommandProcess({
      command: options.command,
      config: {},
      onLine: (line) => this.#receive(line),
      onEnd: (why) => this.told.end(this.#error(why)),
    });
  }

  /** Waits until it says that it is ready; gives what it can do beyond what each client has to. */
  async ready(): Promise<ReadonlySet<string>> {
    const line = await this.#take("that it is ready", this.#options.startMs, () => true);
    const { tell, offers } = line;
    if (tell !== "ready" || !Array.isArray(offers))
      throw this.#error(`told ${shown(line)} first, and not {"tell":"ready","offers":[…]}`);
    return new Set(offers.map(String));
  }

  /** Has it carry out a command; gives its answer, which is `done` or `failed`. */
  run(command: JsonObject): Promise<JsonObject> {
    this.#process.write(JSON.stringify(command));
    const isAnswer = ({ tell, do: of }: JsonObject): boolean =>
      (tell === "done" || tell === "failed") && of === command["do"];
    return this.#take(`what came of ${shown(command)}`, this.#options.limitMs, isAnswer);
  }

  /** Ends it as kill -9 does. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  #take(what: string, limitMs: number, fits: (line: JsonObject) => boolean): Promise<JsonObject> {
    const late = (): Error =>
      this.#error(`did not tell ${what} in ${limitMs} ms${this.#process.lastWords()}`);
    return this.told.take(limitMs, late, fits);
  }

  #receive(line: string): void {
    this.#lineCount += 1;
    const where = `line ${this.#lineCount} of its output`;
    const secret = [...this.secrets].find((it) => line.includes(it));
    const told = secret === undefined ? parse(line) : null;
    if (isObject(told) && typeof told["tell"] === "string") return this.told.push(told);
    const fault =
      secret === undefined ? 'wrote what is no JSON object with a "tell"' : "shows the session's secret";
    this.told.end(this.#error(`${fault}, in ${where}: ${shown(line)}`));
  }

  #error(why: string): ClientCommandError {
    return new ClientCommandError(`the client under test (${this.#options.command}) ${why}`);
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
