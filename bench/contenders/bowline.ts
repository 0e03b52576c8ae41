import { contract, event, request, room, type Schema } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";

/** The least a schema can do: what a library's costs is that library's figure. */
const text: Schema<string> = {
  "~standard": {
    version: 1,
    vendor: "bench",
    validate: (value) => (typeof value === "string" ? { value } : { issues: [{ message: "not a string" }] }),
  },
};

const bench = contract({
  rooms: { bench: room({ events: { message: event(text) } }) },
  requests: {
    echo: request({ input: text, output: text, idempotent: true }),
    "echo-once": request({ input: text, output: text }),
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
