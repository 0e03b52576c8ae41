import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

const upgradeLines = [
  "GET /bowline HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: bowline.v1.json",
];

/** An upgrade request. A header of the same name takes the place of the right one; an empty one leaves it out. */
export function upgradeText(headers: Readonly<Record<string, string>> = {}, first = upgradeLines[0]): string {
  const lines = new Map(upgradeLines.slice(1).map((line) => [line.split(":")[0]?.toLowerCase(), line]));
  for (const [name, value] of Object.entries(headers)) {
    if (value === "") lines.delete(name.toLowerCase());
    else lines.set(name.toLowerCase(), `${name}: ${value}`);
  }
  return [first, ...lines.values(), "", ""].join("\r\n");
}

/** A frame as clients send it, masked with zeros. */
export function clientFrame(first: number, payload = ""): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const header = length < 126 ? [first, 0x80 | length] : [first, 0xfe, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(4), bytes]);
}

export const frames = {
  text: (payload: string) => clientFrame(0x81, payload),
  begin: (payload: string) => clientFrame(0x01, payload),
  middle: (payload: string) => clientFrame(0x00, payload),
  ping: clientFrame(0x89),
  pong: clientFrame(0x8a),
} as const;

/** A TCP connection that was upgraded, and has said hello. */
export class RawClient {
  readonly socket: Socket;
  /** Of the close frame that came; null before one has. */
  closeCode: number | null = null;

  #end: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket.on("close", () => this.#end());
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    onTestFinished(() => void socket.destroy());
    const client = new RawClient(socket);
    socket.write(upgradeText());
    await once(socket, "data");
    socket.on("data", (bytes: Buffer) => client.#look(bytes));
    const hello = { type: "hello", secret: `raw-client-with-secret-${port}-${++serial}` };
    socket.write(frames.text(JSON.stringify({ ...hello, generation: 1, rooms: [] })));
    await once(socket, "data");
    return client;
  }

  /** Resolves with the code with which the server closed the connection. */
  async closed(): Promise<number | null> {
    if (this.closeCode === null && !this.socket.closed) await new Promise<void>((end) => (this.#end = end));
    return this.closeCode;
  }

  /** Sends the same again and again, as fast as it is read, until the connection ends. */
  flood(bytes: Buffer): void {
    const write = (): void => {
      while (!this.socket.destroyed && this.socket.write(bytes));
    };
    this.socket.on("drain", write);
    write();
  }

  /** A close frame is the last one: it stands at the end of what came. */
  #look(bytes: Buffer): void {
    const at = bytes.lastIndexOf(0x88);
    if (at >= 0 && at + 4 <= bytes.length && at + 2 + (bytes[at + 1] as number) === bytes.length)
      this.closeCode = bytes.readUInt16BE(at + 2);
    if (this.closeCode !== null) this.#end();
  }
}

let serial = 0;
