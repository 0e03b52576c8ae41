/** A server for a test, to be killed: prints its port, and ends in order at SIGTERM. Arguments: broker, address, port. */
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { nats } from "bowline/nats";
import { redis } from "bowline/redis";
import { sqlite } from "bowline/sqlite";
import { numbers } from "../guarantees/numbers.contract.ts";
import type { ProcessBroker } from "./node-process.ts";

const leaseMs = 1000;
const [name, address, port] = process.argv.slice(2) as [ProcessBroker, string, string];
const brokers = {
  sqlite: () => sqlite({ file: address }),
  redis: () => redis({ url: address, leaseMs }),
  nats: () => nats({ servers: address, leaseMs }),
};
const server = createServer(numbers, {
  logger: false,
  authenticate: ({ token }) => (token ? { id: token } : null),
  broker: brokers[name](),
  limits: { framesPerSecond: 5000, framesBurst: 20_000, bytesPerSecond: Infinity },
});
let sum = 0;
server.request("increment", ({ payload }) => (sum += payload.by));
server.request("double", ({ payload }) => payload * 2);
const served = await serve(server, { port: Number(port), signals: false });
process.once("SIGTERM", () => {
  server.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
console.log(served.port);
