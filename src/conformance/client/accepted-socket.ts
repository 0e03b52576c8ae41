import type { WebSocket } from "ws";
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../case.ts";
import { Mailbox } from "../mailbox.ts";
import { RuleError, WireRules, type WireMemory } from "./wire-rules.ts";

/** How a socket ended. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
}

/** The runner's end of a socket that a client opened. */
export class AcceptedSocket {
  /** What the client sent, but for pings, which are answered, and pongs. */
  readonly frames: Mailbox<JsonObject>;
  readonly ends: Mailbox<SocketEnd>;
  readonly #pongs: Mailbox<"frame" | "control">;
  /** What went each way, for the report of a failure. */
  readonly trace: string[] = [];
  /** What the client broke, if it did. */
  broken: RuleError | null = null;
  /** Whether a client's pings are answered. */
  answersPings = true;
  readonly #socket: WebSocket;
  readonly #rules: WireRules;
  #isWelcomed = false;
  #isOver = false;

  constructor(socket: WebSocket, clock: Clock, memory: WireMemory) {
    this.#socket = socket;
    this.#rules = new WireRules(memory);
    this.frames = new Mailbox(clock);
    this.ends = new Mailbox(clock);
    this.#pongs = new Mailbox(clock);
    socket.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on("pong", () => this.#pongs.push("control"));
    socket.on("close", (code, reason) => this.#end(code, reason.toString()));
    socket.on("error", ignore);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  send(frame: JsonObject): void {
    if (frame["type"] === "welcome") {
      this.#isWelcomed = true;
      this.#rules.welcomed(frame);
    }
    if (typeof frame["ref"] === "number") this.#rules.answered(frame["ref"]);
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#note("←", text);
    this.#socket.send(text);
  }

  /** Sends a binary message. */
  sendBytes(bytes: Buffer): void {
    this.#note("←", `${bytes.length} bytes`);
    this.#socket.send(bytes);
  }

  close(code: number, reason: string): void {
    this.#note("←", `close ${code}`);
    this.#socket.close(code, reason);
  }

  /** Cuts the line without a close frame. */
  cut(): void {
    this.#note("✕", "");
    this.#socket.terminate();
  }

  /** Resolves when the client has read everything up to here, and what it sent before is there. */
  async catchUp(limitMs: number): Promise<void> {
    // Before the welcome, nothing but WebSocket itself may answer.
    if (!this.#isWelcomed) return this.pingLine(limitMs);
    this.#socket.send('{"type":"ping"}');
    const late = (): Error => new Error(`ping was not answered with pong in ${limitMs} ms`);
    await this.#pongs.take(limitMs, late, (it) => it === "frame");
  }

  /** Resolves when a ping of WebSocket was answered. */
  async pingLine(limitMs: number): Promise<void> {
    this.#socket.ping();
    const late = (): Error => new Error(`a ping of WebSocket was not answered in ${limitMs} ms`);
    await this.#pongs.take(limitMs, late, (it) => it === "control");
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const text = data.toString();
    this.#note("→", text);
    try {
      if (isBinary) throw new RuleError("a binary message must not be sent");
      const frame = this.#rules.receive(text);
      if (frame["type"] === "pong") return this.#pongs.push("frame");
      if (frame["type"] !== "ping") return this.frames.push(frame);
      if (this.answersPings) this.sendText('{"type":"pong"}');
    } catch (error) {
      this.broken ??= error as RuleError;
      this.frames.end(error as RuleError);
    }
  }

  #end(code: number, reason: string): void {
    this.#isOver = true;
    this.#note("→", `close ${code} ${reason}`);
    this.ends.push({ code, reason });
    const over = new Error(`the socket was closed with ${code} ${reason}`.trimEnd());
    this.frames.end(over);
    this.#pongs.end(over);
  }

  #note(direction: string, text: string): void {
    this.trace.push(`${direction} ${text.slice(0, 300)}`);
    if (this.trace.length > traceMax) this.trace.shift();
  }
}

const traceMax = 20;

function ignore(): void {}
