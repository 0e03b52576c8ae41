import type { JsonObject } from "../case.ts";
import { ClientProcess, ClientCommandError, type ClientCommand } from "./client-process.ts";

const slackMs = 20;
/** More than a client's first wait before it comes back. */
const firstWaitMs = 1500;

/** A client under test across its processes: one serves many cases, until one kills it. */
export class ClientUnderTest {
  readonly #options: ClientCommand;
  #process: ClientProcess;
  /** What the command can do beyond what each has to. */
  readonly offers: ReadonlySet<string>;

  private constructor(options: ClientCommand, process: ClientProcess, offers: ReadonlySet<string>) {
    this.#options = options;
    this.#process = process;
    this.offers = offers;
  }

  /** Starts it. Rejects with a {@link ClientCommandError} that says why the command is no client under test. */
  static async start(options: ClientCommand): Promise<ClientUnderTest> {
    const process = new ClientProcess(options);
    try {
      return new ClientUnderTest(options, process, await process.ready());
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  get process(): ClientProcess {
    return this.#process;
  }

  /** Has it carry a command out; rejects when it says that it could not. */
  async run(command: JsonObject): Promise<void> {
    const { tell, message } = await this.#process.run(command);
    if (tell === "failed")
      throw new ClientCommandError(`${JSON.stringify(command)} failed: ${String(message)}`);
  }

  /** Lets time pass: the client's own where it has a clock for that, the machine's otherwise. */
  async advance(ms: number): Promise<void> {
    if (this.offers.has("clock")) return this.run({ do: "advance", ms });
    // A step that follows at once must not come before a timer that is due at the same moment.
    const { clock } = this.#options;
    await new Promise<void>((resolve) => void clock.setTimer(ms + slackMs, resolve));
    return this.run({ do: "sync" });
  }

  /** The same where nothing is to happen: of the machine's time no more than a first wait may take. */
  pass(ms: number): Promise<void> {
    return this.advance(this.offers.has("clock") ? ms : Math.min(ms, firstWaitMs));
  }

  /** Ends the process as kill -9 does, and starts another, which must not show the secrets of this one either. */
  async restart(): Promise<void> {
    const { secrets } = this.#process;
    await this.#process.kill();
    this.#process = new ClientProcess(this.#options);
    for (const secret of secrets) this.#process.secrets.add(secret);
    await this.#process.ready();
  }

  /** Has it forget the client of the last case; one that failed, or fails to, is started anew. */
  async reset(): Promise<void> {
    const { secrets, told } = this.#process;
    secrets.clear();
    const isReset = !told.isOver && (await this.run({ do: "reset" }).then(succeeded, failed));
    if (!isReset) await this.restart();
    this.#process.told.drain();
  }

  async end(): Promise<void> {
    await this.#process.kill();
  }
}

const succeeded = (): boolean => true;
const failed = (): boolean => false;
