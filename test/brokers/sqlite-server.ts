/** A server on an SQLite file, to be killed: prints its port. Arguments: file, port (0: a free one). */
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { sqlite } from "bowline/sqlite";
import { numbers } from "../guarantees/numbers.contract.ts";

const [file, port] = process.argv.slice(2) as [string, string];
const server = createServer(numbers, {
  authenticate: ({ token }) => (token ? { id: token } : null),
  broker: sqlite({ file }),
  limits: { framesPerSecond: 5000, framesBurst: 20_000 },
});
let sum = 0;
server.request("increment", ({ payload }) => (sum += payload.by));
server.request("double", ({ payload }) => payload * 2);
const served = await serve(server, { port: Number(port), signals: false });
console.log(served.port);
