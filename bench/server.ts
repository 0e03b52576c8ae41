/** The server process of one measurement: `server.js <contender> <role> <broker's port>`. Tells its parent the port, then serves until it is killed. */
import type { ContenderName, Role, StartContender } from "./contenders/contender.ts";

const [name, role, brokerPort] = process.argv.slice(2) as [ContenderName, Role, string];

// Imported one by one: a process must not carry the other contenders' code.
const load: Record<ContenderName, () => Promise<StartContender>> = {
  bowline: async () => (await import("./contenders/bowline.ts")).startBowline,
  "bowline-before": async () => (await import("./contenders/bowline.ts")).startBowline,
  "bowline-alone": async () => (await import("./contenders/bowline.ts")).startBowline,
  "socket.io": async () => (await import("./contenders/socket-io.ts")).startSocketIo,
  "socket.io-redis": async () => (await import("./contenders/socket-io-cluster.ts")).startSocketIoRedis,
  "socket.io-streams": async () => (await import("./contenders/socket-io-cluster.ts")).startSocketIoStreams,
  ws: async () => (await import("./contenders/ws.ts")).startWs,
  tcp: async () => (await import("./contenders/tcp.ts")).startTcp,
};

// The load generator asks for a collection before it reads the memory: garbage is not what a connection costs.
process.on("SIGUSR2", () => globalThis.gc?.());
// An orderly end writes the profile, if one is being taken.
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));

const start = await load[name]();
process.send?.({ port: await start(role, Number(brokerPort)) });
