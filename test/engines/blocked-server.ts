/** A server whose event loop can be held up: `increment` by so many milliseconds. Prints its port, and when it is. */
import { writeSync } from "node:fs";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { numbers } from "../guarantees/numbers.contract.ts";

const server = createServer(numbers, {
  logger: false,
  authenticate: ({ token }) => (token ? { id: token } : null),
  heartbeatMs: 1000,
  limits: { handshakeMs: 1500 },
});
server.request("increment", ({ payload }) => {
  // At once: what console.log writes may wait for the event loop.
  writeSync(1, "held up\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, payload.by);
  return payload.by;
});
server.request("double", ({ payload }) => payload * 2);
const { port } = await serve(server, { port: 0 });
console.log(port);
