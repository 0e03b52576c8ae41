import { contract, event, request, room } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { z } from "zod";

const bench = contract({
  rooms: { bench: room({ events: { message: event(z.string()) } }) },
  requests: {
    echo: request({ input: z.string(), output: z.string(), idempotent: true }),
    "echo-once": request({ input: z.string(), output: z.string() }),
  },
});

/** Both roles at once: the room is there for whoever joins it. */
export async function startBowline(): Promise<number> {
  // Publishers here are far above what one person sends, and the rate limit is not what is measured.
  const server = createServer(bench, { limits: { framesPerSecond: 1_000_000, framesBurst: 1_000_000 } });
  server.request("echo", ({ payload }) => payload);
  server.request("echo-once", ({ payload }) => payload);
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  return port;
}
