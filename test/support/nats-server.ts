import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect as natsConnect } from "@nats-io/transport-node";

/** Where nats-server is; undefined where it is not installed, and what needs it is to be skipped. */
export const natsPath: string | undefined = process.env["SERVICE_NATS_SERVER"];

/** Whether that version can keep copies of a stream in the way the broker needs. */
export const natsKeepsCopies: boolean = natsPath !== undefined && isAtLeast([2, 10, 20]);

export interface NatsServerOptions {
  readonly config?: string;
  readonly jetstream?: boolean;
}

/** A NATS server of a test's own, on a free port of the loopback, with its data in a folder of its own. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;

  /** `config`: lines of its configuration. With `jetstream` false, without that. */
  static async start({ config = "", jetstream = true }: NatsServerOptions = {}): Promise<NatsServer> {
    const folder = await mkdtemp(join(tmpdir(), "bowline-nats-"));
    const file = join(folder, "nats.conf");
    await writeFile(file, config);
    const args = jetstream ? ["-c", file, "-js", "-sd", join(folder, "data")] : ["-c", file];
    const server = new NatsServer(await freePort(), folder, args);
    await server.restart();
    return server;
  }

  /** Starts servers that form a cluster, and waits until all of them are in it. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const ports: number[] = [];
    for (let index = 0; index < count; index += 1) ports.push(await freePort());
    const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
    const servers = await Promise.all(
      ports.map((port, index) =>
        NatsServer.start({
          config: `server_name: n${index}
            cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        }),
      ),
    );
    while (!(await servers[0]?.keepsCopies(count))) await new Promise((resolve) => setTimeout(resolve, 100));
    return servers;
  }

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it, unless it runs, where it was: with its data, or with nothing. */
  async restart({ keepData = true }: { readonly keepData?: boolean } = {}): Promise<void> {
    if (this.#process) return;
    if (!keepData) await rm(join(this.#folder, "data"), { recursive: true, force: true });
    const args = ["-a", "127.0.0.1", "-p", String(this.port), ...this.#args];
    this.#process = spawn(natsPath as string, args, { stdio: "ignore" });
    while (!(await this.#answers())) {
      if (this.#process.exitCode !== null)
        throw new Error(`nats-server ended with ${this.#process.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Stops it where it is: connections stay, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it in order. */
  async shutDown(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  /** Puts a copy of its data aside; what is returned puts that in the place of its data, once it was ended. */
  async copyData(): Promise<() => Promise<void>> {
    const [data, saved] = [join(this.#folder, "data"), join(this.#folder, "saved")];
    await cp(data, saved, { recursive: true });
    return async () => {
      await rm(data, { recursive: true });
      await cp(saved, data, { recursive: true });
    };
  }

  /** Does something to the stream whose name begins so: what follows is drawn when it is made. */
  async withStream<T>(
    start: string,
    task: (streams: JetStreamManager["streams"], name: string) => Promise<T>,
  ): Promise<T> {
    return this.manage(async ({ streams }) => {
      for await (const name of streams.names()) if (name.startsWith(start)) return task(streams, name);
      throw new Error(`there is no stream ${start}…`);
    });
  }

  /** Deletes a stream, as somebody at the wrong console does. */
  async deleteStream(start: string): Promise<void> {
    await this.withStream(start, (streams, name) => streams.delete(name));
  }

  /** How many messages a stream holds. */
  async messages(start: string): Promise<number> {
    return this.withStream(start, async (streams, name) => (await streams.info(name)).state.messages);
  }

  /** How many messages were ever stored in a stream. */
  async lastSeq(start: string): Promise<number> {
    return this.withStream(start, async (streams, name) => (await streams.info(name)).state.last_seq);
  }

  /** Whether it can put copies of a stream on so many servers. */
  async keepsCopies(count: number): Promise<boolean> {
    const name = "keeps-copies";
    try {
      return await this.manage(async ({ streams }) => {
        await streams.add({ name, subjects: [name], num_replicas: count });
        return streams.delete(name);
      });
    } catch {
      return false;
    }
  }

  /** Does what the tools of NATS do. */
  async manage<T>(task: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await natsConnect({ servers: this.url });
    try {
      return await task(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  }

  /** Stores a message in the stream that has its subject. */
  async publish(subject: string, text: string): Promise<void> {
    const connection = await natsConnect({ servers: this.url });
    try {
      await jetstream(connection).publish(subject, text);
    } finally {
      await connection.close();
    }
  }

  /** Ends it, and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Whether it takes connections: NATS speaks first. */
  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      const finish = (answers: boolean) => (): void => {
        socket.destroy();
        resolve(answers);
      };
      socket.once("data", finish(true)).once("error", finish(false)).once("close", finish(false));
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function isAtLeast(wanted: readonly number[]): boolean {
  const { stdout } = spawnSync(natsPath as string, ["--version"], { encoding: "utf8" });
  const version = (/v(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  const differing = wanted.findIndex((part, at) => part !== version[at]);
  return differing < 0 || (version[differing] ?? 0) > (wanted[differing] as number);
}
