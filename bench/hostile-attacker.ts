/** One hostile connection of `hostile.ts`: `hostile-attacker.js <kind> <port>`. Floods until it is killed; comes back when it is closed. */
import { connect, type Socket } from "node:net";
import { setPriority } from "node:os";
import type { HostileKind } from "./hostile.ts";

const lowPriority = 15;
const [kind, port] = process.argv.slice(2) as [HostileKind, string];
process.on("disconnect", () => process.exit(0));

// Beside the neighbour it shares a core with: what is measured is the wait for the server, not for that core.
setPriority(lowPriority);

/** A frame masked with zeros. */
function frame(first: number, payload = ""): Buffer {
  const { length } = payload;
  const header = length < 126 ? [first, 0x80 | length] : [first, 0xfe, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(4), Buffer.from(payload, "latin1")]);
}

const text = (value: object): Buffer => frame(0x81, JSON.stringify(value));
const times = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
const large = "x".repeat(60_000);
let serial = 0;
let ref = 0;

const room = (): string => `hostile/${(serial += 1)}`;
const publish = (to: string, payload: string): Buffer =>
  text({ type: "publish", ref: (ref += 1), room: to, event: "message", payload });

/** What a connection sends next, once it is open. */
const floods: Record<HostileKind, () => Buffer> = {
  "empty pongs": () => times(5000, () => frame(0x8a)),
  pings: () => times(5000, () => frame(0x89)),
  "JSON pings": () => times(1000, () => text({ type: "ping" })),
  "empty fragments": () => Buffer.concat([frame(0x01), times(16_000, () => frame(0x00)), frame(0x80)]),
  "unfinished messages": () => Buffer.concat([frame(0x01, "{"), times(20, () => frame(0x89))]),
  "1-byte fragments": () => times(5000, (index) => frame(index === 0 ? 0x01 : 0x00, "x")),
  "large publishes": () => publish("hostile/one", large),
  signals: () =>
    times(500, () => text({ type: "signal", room: "hostile/one", event: "typing", payload: "x" })),
  "joins and leaves": () =>
    times(100, () =>
      Buffer.concat([
        text({ type: "join", room: "hostile/two" }),
        text({ type: "leave", room: "hostile/two" }),
      ]),
    ),
  "requests of 60 kB": () => text({ type: "request", ref: (ref += 1), request: "echo", payload: large }),
  "presence states of 60 kB": () => text({ type: "presence", room: "hostile/one", payload: large }),
  "room names": () => times(100, () => publish(room(), "x")),
  "requests, never reading": () =>
    text({ type: "request", ref: (ref += 1), request: "echo", payload: large }),
  "bad frames": () => frame(0x81, "{"),
  "refused upgrades": () => Buffer.alloc(0),
};

function open(): void {
  const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
  socket.on("close", () => setImmediate(open));
  const isRefused = kind === "refused upgrades";
  const protocol = isRefused ? "" : "Sec-WebSocket-Protocol: bowline.v1.json\r\n";
  socket.write(
    "GET /bowline HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocol}\r\n`,
  );
  socket.once("data", () => {
    if (isRefused) return void socket.destroy();
    serial += 1;
    ref = 0;
    const secret = `hostile-${process.pid}-${serial}`.padEnd(24, "0");
    const rooms = [{ room: "hostile/one", presence: "x" }];
    socket.write(text({ type: "hello", secret, generation: 1, rooms }));
    if (kind === "requests, never reading") socket.pause();
    flood(socket);
  });
}

function flood(socket: Socket): void {
  const write = (): void => {
    if (socket.destroyed) return;
    if (socket.write(floods[kind]())) setImmediate(write);
    else socket.once("drain", write);
  };
  // After the welcome, which comes at once.
  setTimeout(write, 50);
}

process.send?.("ready");
open();
