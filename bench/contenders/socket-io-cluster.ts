import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { ServerOptions } from "socket.io";
import type { Role } from "./contender.ts";
import { createSocketIo } from "./socket-io.ts";

type Adapter = NonNullable<ServerOptions["adapter"]>;

/** With the adapter over publish and subscribe, set up as its manual shows for ioredis. */
export async function startSocketIoRedis(_role: Role, brokerPort: number): Promise<number> {
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const publisher = connect(brokerPort);
  const subscriber = publisher.duplicate();
  const port = await startNode(createAdapter(publisher, subscriber));
  // Answered after all that was sent before it: it is subscribed then.
  await subscriber.ping();
  return port;
}

/**
 * With the adapter over a stream, set up as its manual shows for ioredis. A node that lags by more than the stream holds
 * misses messages, which with the default of 10,000 happens here under load.
 */
export async function startSocketIoStreams(_role: Role, brokerPort: number): Promise<number> {
  const { createAdapter } = await import("@socket.io/redis-streams-adapter");
  const redis = connect(brokerPort);
  const port = await startNode(createAdapter(redis, { maxLen: 100_000 }));
  await untilReading(redis);
  return port;
}

/** The name is for {@link untilReading}; what an adapter duplicates has it too. */
function connect(port: number): Redis {
  return new Redis({ host: "127.0.0.1", port, connectionName: `node-${process.pid}` });
}

function startNode(adapter: Adapter): Promise<number> {
  const { io, listen } = createSocketIo({ adapter });
  io.on("connection", (socket) => {
    const { room } = socket.handshake.auth as { room: string };
    void socket.join(room);
    socket.on("message", (text: string) => io.to(room).emit("message", text));
  });
  return listen();
}

/** The adapter's reader begins with what is new when it first asks, and nothing tells when that is. */
async function untilReading(redis: Redis): Promise<void> {
  const blockedReader = new RegExp(`name=node-${process.pid} .*flags=b .*cmd=xread`);
  while (!blockedReader.test(String(await redis.client("LIST")))) await sleep(10);
}
