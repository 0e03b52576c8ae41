import { TimerWheel } from "../../src/base/timer-wheel.ts";
import { jsonSubprotocol, type ClientFrame, type HelloFrame } from "../../src/protocol/frames.ts";
import { Connection, type ConnectionContext } from "../../src/server/connection.ts";
import type { Admitted } from "../../src/server/engine.ts";
import { Flusher } from "../../src/server/flusher.ts";
import type { WireFormat } from "../../src/server/wire-formats.ts";
import { defaultLimits, type Limits } from "../../src/server/limits.ts";
import { silentLogging } from "./recorded-log.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeSocket } from "./fake-socket.ts";
import { textFormat } from "./formats.ts";

/** The first frame of a client. */
export const hello = {
  type: "hello",
  secret: "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9",
  generation: 3,
  rooms: [],
};
/** The session that its secret gives. */
export const session = "NBEgpHYdQGo-5Hv6w6sH0Q";
export const heartbeatMs = 30_000;

/** A connection whose socket goes nowhere, and what came of it. */
// oxlint-disable-next-line typescript/explicit-function-return-type -- the names are the type
export function connectionBench(
  limits: Partial<Limits> = {},
  admitted: Partial<Admitted> = {},
  format: WireFormat = textFormat,
) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  wheel.start();
  const socket = new FakeSocket();
  const hellos: HelloFrame[] = [];
  const frames: ClientFrame[] = [];
  const log: string[] = [];
  const all = { ...defaultLimits, ...limits };
  const context: ConnectionContext = {
    clock,
    wheel,
    limits: all,
    heartbeatMs,
    logging: silentLogging(clock),
    flusher: new Flusher(clock, () => {}),
    report: (error) => void log.push(String(error)),
    slowBytes: all.slowBytes,
    receiveHello: (_connection, frame) => void hellos.push(frame),
    receiveFrame: (_connection, frame) => void frames.push(frame),
    alive: () => void log.push("alive"),
    ended: () => void log.push("ended"),
  };
  const connection = new Connection(context, socket, format, {
    ok: true,
    user: { id: "ada" },
    userId: "ada",
    expiresAt: null,
    subprotocol: jsonSubprotocol,
    ...admitted,
  });
  const receive = (frame: object): void => {
    const text = JSON.stringify(frame);
    connection.receiveBytes(text.length, 1, 0);
    connection.receive(text);
  };
  /** As the server does it: the hello comes, and is answered. */
  const open = (): void => {
    receive(hello);
    connection.open();
  };
  const pings = (): number => socket.frames.filter(({ type }) => type === "ping").length;
  const closeCode = (): number | undefined => socket.closes[0]?.code;
  return { clock, socket, connection, hellos, frames, log, receive, open, pings, closeCode };
}
