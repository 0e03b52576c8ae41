import { EventEmitter, once } from "node:events";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { jsonSubprotocol } from "../../src/protocol/frames.ts";
import { binarySubprotocol, pack, unpack } from "./binary-codec.ts";
import type { WireFrame } from "./pair.ts";

/** A client of nothing but frames, over a real WebSocket, in the encoding that the server selects. */
export class WireClient {
  readonly frames: WireFrame[] = [];
  /** How many frames of those were waited for. */
  #seen = 0;
  readonly #socket: WebSocket;
  readonly #came = new EventEmitter();
  #closeCode: number | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary !== this.isBinary) throw new Error("a message of the other kind");
      this.frames.push((isBinary ? unpack(data) : JSON.parse(data.toString())) as WireFrame);
      this.#came.emit("frame");
    });
    socket.on("close", (code) => {
      this.#closeCode = code;
      this.#came.emit("frame");
    });
  }

  static async open(port: number, offers: readonly string[]): Promise<WireClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/bowline`, [...offers]);
    onTestFinished(() => socket.terminate());
    const client = new WireClient(socket);
    await once(socket, "open");
    return client;
  }

  /** One that has said hello, and was welcomed. */
  static async hello(port: number, offers: readonly string[], hello: object): Promise<WireClient> {
    const client = await WireClient.open(port, offers);
    client.send({ type: "hello", generation: 1, rooms: [], ...hello });
    await client.next("welcome");
    return client;
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  get isBinary(): boolean {
    return this.subprotocol === binarySubprotocol;
  }

  send(...frames: readonly object[]): void {
    for (const frame of frames) this.#socket.send(this.isBinary ? pack(frame) : JSON.stringify(frame));
  }

  sendRaw(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  /** The next frame of one of these types that was not waited for before; those before it are passed over. */
  async next(...types: readonly string[]): Promise<WireFrame> {
    for (;;) {
      const frame = this.frames[this.#seen];
      if (frame) this.#seen += 1;
      else if (this.#closeCode !== null)
        throw new Error(`closed with ${this.#closeCode} before ${types.join(" or ")} came`);
      else await once(this.#came, "frame");
      if (frame && types.includes(frame.type)) return frame;
    }
  }

  async nextOf(type: string, count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    while (frames.length < count) frames.push(await this.next(type));
    return frames;
  }

  /** The code that the server closes it with. */
  async closed(): Promise<number> {
    const [code] = (await once(this.#socket, "close")) as [number];
    return code;
  }

  async cut(): Promise<void> {
    this.#socket.terminate();
    await once(this.#socket, "close");
  }
}

/** What clients offer, by what they get. */
export const offers = { json: [jsonSubprotocol], binary: [binarySubprotocol, jsonSubprotocol] } as const;
