import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findServices } from "../../scripts/services.mjs";
import type { BrokerService } from "./service.ts";

/** How to start a program that is a broker's service. */
export interface Program {
  /** As in scripts/services.mjs, e.g. `redis-server`. */
  readonly name: string;
  arguments(port: number, folder: string): readonly string[];
  /** Resolves when it answers on its port; rejects when it does not yet. */
  answers(port: number): Promise<void>;
}

const startMs = 15_000;
const pollMs = 20;

/** Starts a program on a free port of 127.0.0.1, with a folder of its own. */
export async function startProgram(program: Program): Promise<BrokerService> {
  const service = new ProgramService(program, await freePort());
  await service.start({ keepData: false });
  return service;
}

class ProgramService implements BrokerService {
  readonly port: number;
  readonly #program: Program;
  #folder = "";
  #child: ChildProcess | null = null;

  constructor(program: Program, port: number) {
    this.#program = program;
    this.port = port;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#program.name} is not running`);
    return pid;
  }

  async start({ keepData }: { readonly keepData: boolean }): Promise<void> {
    if (!keepData) await this.#newFolder();
    const { name } = this.#program;
    const command = findServices()[`SERVICE_${name.toUpperCase().replaceAll("-", "_")}`];
    if (!command) throw new Error(`${name} is not installed`);
    const child = spawn(command, this.#program.arguments(this.port, this.#folder), { stdio: "ignore" });
    this.#child = child;
    // It must not outlive this process, whatever ends that.
    const killIt = (): void => void child.kill("SIGKILL");
    process.once("exit", killIt);
    child.once("exit", () => process.off("exit", killIt));
    await this.#answers(child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #newFolder(): Promise<void> {
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = await mkdtemp(join(tmpdir(), "bowline-"));
  }

  async #answers(child: ChildProcess): Promise<void> {
    const program = this.#program;
    const { name } = program;
    const endMs = performance.now() + startMs;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      try {
        return await program.answers(this.port);
      } catch (error) {
        if (performance.now() > endMs) throw new Error(`${name} did not answer`, { cause: error });
        await sleep(pollMs);
      }
    }
  }
}

/** Sends a text and resolves when the answer starts with another one. */
export async function ask(port: number, question: string, answer: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    const signal = AbortSignal.timeout(1000);
    await once(socket, "connect", { signal });
    socket.write(question);
    const [data] = (await once(socket, "data", { signal })) as [Buffer];
    if (!data.toString().startsWith(answer)) throw new Error(`it answered ${data.toString().trim()}`);
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
