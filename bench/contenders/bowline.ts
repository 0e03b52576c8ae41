import { contract, event, request, room, type Schema } from "bowline";
import { serve } from "bowline/node";
import { createServer, memory, type Broker } from "bowline/server";
import type { Role } from "./contender.ts";

/** The least a schema can do: what a library's costs is that library's figure. */
const text: Schema<string> = {
  "~standard": {
    version: 1,
    vendor: "bench",
    validate: (value) => (typeof value === "string" ? { value } : { issues: [{ message: "not a string" }] }),
  },
};

const benchRoom = room({ events: { message: event(text) } });

const bench = contract({
  rooms: { bench: benchRoom, "bench/:room": benchRoom },
  requests: {
    echo: request({ input: text, output: text, idempotent: true }),
    "echo-once": request({ input: text, output: text }),
  },
});

/** All roles at once, but for the broker: a room is there for whoever joins it. */
export async function startBowline(role: Role, brokerPort: number): Promise<number> {
  const broker = role === "cluster" ? await redisAt(brokerPort) : memory();
  // Publishers here are far above what one person sends, and the rate limit is not what is measured.
  const server = createServer(bench, {
    logger: false,
    broker,
    limits: { framesPerSecond: 1_000_000, framesBurst: 1_000_000, bytesPerSecond: Infinity },
  });
  server.request("echo", ({ payload }) => payload);
  server.request("echo-once", ({ payload }) => payload);
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  return port;
}

// Imported here: a process by itself must not carry the broker's code.
async function redisAt(port: number): Promise<Broker> {
  const { redis } = await import("bowline/redis");
  return redis({ url: `redis://127.0.0.1:${port}` });
}
