import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

/** Where redis-server is; undefined where it is not installed, and what needs it is to be skipped. */
export const redisPath: string | undefined = process.env["SERVICE_REDIS_SERVER"];

/** The log is written before anything is answered; with `everysec`, not while the disk is busy. */
const logged = ["--appendonly", "yes", "--appendfsync", "no"];

/** Its address on the loopback, and settings beside those for the port and the folder; by default every write is logged. */
interface Place {
  readonly host?: string;
  readonly args?: readonly string[];
}

/** A Redis server of a test's own, on a free port of the loopback, with its data in a folder of its own. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #place: Required<Place>;
  #process: ChildProcess | null = null;

  static async start({ args = logged, host = "127.0.0.1" }: Place = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "bowline-redis-"));
    const server = new RedisServer(await freePort(), { args, host }, folder);
    await server.restart();
    return server;
  }

  private constructor(port: number, place: Required<Place>, folder: string) {
    this.port = port;
    this.#place = place;
    this.#folder = folder;
  }

  get url(): string {
    const { host } = this.#place;
    return `redis://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  /** Starts it where it was: with its data, or with nothing. */
  async restart({ keepData = true }: { readonly keepData?: boolean } = {}): Promise<void> {
    if (this.#process) return;
    if (!keepData) await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
    const own = [
      "--bind",
      this.#place.host,
      "--port",
      String(this.port),
      "--dir",
      this.#folder,
      "--save",
      "",
    ];
    own.push("--repl-diskless-sync-delay", "0");
    this.#process = spawn(redisPath as string, [...own, ...this.#place.args], { stdio: "ignore" });
    while (!(await this.#answers())) {
      if (this.#process.exitCode !== null)
        throw new Error(`redis-server ended with ${this.#process.exitCode}`);
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

  /** Ends it in order. */
  async shutDown(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  /** Puts a copy of its data aside; what is returned puts that in the place of its data. */
  async copyData(): Promise<() => Promise<void>> {
    await cp(this.#folder, this.#copy, { recursive: true });
    return async () => {
      await rm(this.#folder, { recursive: true });
      await rename(this.#copy, this.#folder);
    };
  }

  /** Stops it where it is: connections stay, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it, and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    for (const folder of [this.#folder, this.#copy]) await rm(folder, { recursive: true, force: true });
  }

  get #copy(): string {
    return `${this.#folder}-copy`;
  }

  /** Sends one command over a connection of its own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const redis = new Redis({
      host: this.#place.host,
      port: this.port,
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
      retryStrategy: null,
    });
    redis.on("error", () => {});
    try {
      await redis.connect();
      return await redis.call(name, ...args);
    } finally {
      redis.disconnect();
    }
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.command("PING")) === "PONG";
    } catch (error) {
      // It asks for a password, so it is there.
      return String(error).includes("NOAUTH");
    }
  }
}

/** Three masters, each with a third of the slots. */
export async function startCluster(host = "127.0.0.1"): Promise<RedisServer[]> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", ...logged];
  const servers = await Promise.all([0, 1, 2].map(() => RedisServer.start({ args, host })));
  const [first] = servers as [RedisServer];
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [index, server] of servers.entries()) {
    const range = [String(bounds[index]), String((bounds[index + 1] as number) - 1)];
    await server.command("CLUSTER", "ADDSLOTSRANGE", ...range);
    await server.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    if (server !== first) await server.command("CLUSTER", "MEET", host, String(first.port));
  }
  const isWhole = async (server: RedisServer): Promise<boolean> =>
    /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(await server.command("CLUSTER", "INFO")));
  for (const server of servers)
    while (!(await isWhole(server))) await new Promise((resolve) => setTimeout(resolve, 20));
  return servers;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
