import { fork, type ChildProcess } from "node:child_process";
import { connect, type Socket as TcpSocket } from "node:net";
import { fileURLToPath } from "node:url";
import { createClient, type Client, type Room } from "bowline/client";
import { WebSocket } from "ws";
import { fuzzed } from "./fuzz.contract.ts";

type OpenRoom = Room<(typeof fuzzed)["rooms"]["open/:room"]>;

/** The server under attack, seen from outside. */
export class Target {
  readonly port: number;
  readonly url: string;
  readonly #child: ChildProcess;
  #stderr = "";
  #exit: string | null = null;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.url = `ws://127.0.0.1:${port}/bowline`;
    child.stderr?.on("data", (data: Buffer) => (this.#stderr += data.toString()));
    child.once("exit", (code, signal) => (this.#exit = `exit ${code ?? signal}`));
  }

  static async start(): Promise<Target> {
    const child = fork(fileURLToPath(new URL("./live-server.ts", import.meta.url)), {
      execArgv: ["--expose-gc", "--import", "tsx", "--conditions=bowline-source"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    return new Target(child, (await askOf(child, "port")) as number);
  }

  /** Null while it lives; how it ended, and what it said, once it has. */
  get end(): string | null {
    return this.#exit && `${this.#exit}: ${this.#stderr.slice(0, 500)}`;
  }

  async ask<T>(name: "stats" | "faults" | "heap" | "close"): Promise<T> {
    if (this.#exit) throw new Error(`the server has ended: ${this.end}`);
    return (await askOf(this.#child, name)) as T;
  }

  /** What `task` gives; rejects when the server ends before. */
  async whileAlive<T>(task: Promise<T>): Promise<T> {
    let onExit = (): void => {};
    const ended = new Promise<never>((_resolve, reject) => {
      onExit = () => reject(new Error(`the server has ended: ${this.end}`));
      if (this.#exit) onExit();
      this.#child.once("exit", onExit);
    });
    try {
      return await Promise.race([task, ended]);
    } finally {
      this.#child.off("exit", onExit);
    }
  }

  /** Asks for the figures until they are as wanted; gives the last ones where that takes too long. */
  async statsOnce(wanted: (stats: Stats) => boolean, timeoutMs = 5000): Promise<Stats> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const stats = await this.ask<Stats>("stats");
      if (wanted(stats) || performance.now() > until) return stats;
    }
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  /** A plain TCP connection to it. */
  async tcp(): Promise<TcpSocket> {
    const socket = connect(this.port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return socket.on("error", () => {});
  }
}

interface Stats {
  readonly connections: number;
  readonly rooms: number;
}

function askOf(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: { readonly name: string; readonly answer: unknown }): void => {
      if (message.name !== name) return;
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(message.answer);
    };
    const onExit = (): void => reject(new Error("the server has ended"));
    child.on("message", onMessage);
    child.once("exit", onExit);
    // That it is gone already is told by its exit.
    child.send(name, () => {});
  });
}

/** Two well-behaved clients in one room: one publishes, the other one listens. */
export class Bystanders {
  readonly heard: number[] = [];
  /** Everything that should not have happened to them. */
  readonly trouble: string[] = [];
  readonly #clients: Client<typeof fuzzed>[];
  readonly #room: OpenRoom;
  #published = 0;

  private constructor(clients: Client<typeof fuzzed>[], room: OpenRoom, heardIn: OpenRoom) {
    this.#clients = clients;
    this.#room = room;
    heardIn.on("number", ({ payload }) => this.heard.push(payload));
    heardIn.onGap(({ reason }) => this.trouble.push(`gap ${reason}`));
    for (const client of clients) client.onStatus((status) => this.trouble.push(JSON.stringify(status)));
    for (const { onStatus } of [bound(room), bound(heardIn)])
      onStatus(({ state }) => this.trouble.push(`room ${state}`));
  }

  static async join(target: Target): Promise<Bystanders> {
    const clients = ["ada", "bob"].map((token) =>
      createClient(fuzzed, { url: target.url, token, WebSocket }),
    );
    const [room, heardIn] = clients.map((client) => client.join("open/quiet", { presence: 1 })) as [
      OpenRoom,
      OpenRoom,
    ];
    await Promise.all([room.joined(), heardIn.joined()]);
    return new Bystanders(clients, room, heardIn);
  }

  /** Publishes the next number; resolves once it is stored. */
  async publish(): Promise<void> {
    this.#published += 1;
    await this.#room.publish("number", this.#published);
  }

  /** What should have been heard by now. */
  get expected(): number[] {
    return Array.from({ length: this.#published }, (_, index) => index + 1);
  }

  /** Resolves when all that was published was heard, or the next answer comes without it. */
  async caughtUp(): Promise<void> {
    await this.#clients[1]?.request("echo", null);
  }

  close(): void {
    this.trouble.length = 0;
    for (const client of this.#clients) client.close();
  }
}

function bound(room: OpenRoom): Pick<OpenRoom, "onStatus"> {
  return { onStatus: (listener) => room.onStatus(listener) };
}

/** An attacker's socket. */
export class Attacker {
  static #sessions = 0;
  closeCode: number | null = null;
  closeReason = "";
  #welcomed = false;
  #pongs = 0;
  #waiting: (() => void)[] = [];
  readonly #ws: WebSocket;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("error", () => {});
    ws.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text === '{"type":"pong"}') this.#pongs += 1;
      if (text.startsWith('{"type":"welcome"')) this.#welcomed = true;
      this.#wake();
    });
    ws.on("close", (code, reason) => {
      this.closeCode = code;
      this.closeReason = reason.toString();
      this.#wake();
    });
  }

  static async open(target: Target): Promise<Attacker> {
    const ws = new WebSocket(target.url, ["bowline.v1.json"], { perMessageDeflate: false });
    const attacker = new Attacker(ws);
    await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
    return attacker;
  }

  send(message: string | Uint8Array): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(message);
  }

  /** Says hello, and resolves when the server has answered it. */
  async hello(rooms: readonly object[] = []): Promise<void> {
    Attacker.#sessions += 1;
    const secret = `secret-of-attacker-${String(Attacker.#sessions).padStart(6, "0")}`;
    this.send(JSON.stringify({ type: "hello", secret, generation: 1, rooms }));
    while (this.closeCode === null && !this.#welcomed) await this.#next();
  }

  /** Bytes that wait to be sent. */
  get backlog(): number {
    return this.#ws.bufferedAmount;
  }

  /** Resolves when everything sent was handled: the server answers a ping, or has closed the connection. */
  async handled(): Promise<void> {
    const pongs = this.#pongs;
    this.send('{"type":"ping"}');
    while (this.closeCode === null && this.#pongs === pongs) await this.#next();
  }

  async closed(): Promise<number> {
    while (this.closeCode === null) await this.#next();
    return this.closeCode;
  }

  terminate(): void {
    this.#ws.terminate();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
