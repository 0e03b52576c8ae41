/** The server under attack, in a process of its own: its end is seen from outside, and its heap is its own. */
import { serve } from "bowline/node";
import { BowlineError, createServer, memory } from "bowline/server";
import { fuzzed, limits } from "./fuzz.contract.ts";

const faults: string[] = [];

const server = createServer(fuzzed, {
  logger: false,
  limits,
  // Bounds small enough for a test to pass them.
  broker: memory({ sessionsMax: 50, roomsMax: 50 }),
  presenceGraceMs: 1000,
  authenticate: async ({ token }) => {
    if (token === "slow") await new Promise((resolve) => setImmediate(resolve));
    if (token === "banned") throw new BowlineError("FORBIDDEN", "banned");
    return token === "nobody" ? null : { id: token ?? "anybody" };
  },
  onError: (error) => void faults.push(String(error)),
});
server.request("echo", ({ payload }) => payload as unknown);
const { port } = await serve(server, { port: 0, signals: false });

/** What the test asks for, by name. */
const answers: Record<string, () => unknown> = {
  port: () => port,
  stats: () => server.stats(),
  faults: () => faults.splice(0),
  heap: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
  close: async () => server.close(),
};

process.on("message", (name: string) => {
  void Promise.resolve(answers[name]?.()).then((answer) => process.send?.({ name, answer }));
});
