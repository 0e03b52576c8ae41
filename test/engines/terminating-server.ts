/**
 * A server to be sent signals: prints its port, and `running` and `ran N` for each handler. Its arguments say what else
 * there is: `idle` a second server, `busy` something that keeps the process, `own-once` a handler of the application's own,
 * `own-drain` one that drains and ends the process with code 3.
 */
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { numbers } from "../guarantees/numbers.contract.ts";

const has = new Set(process.argv.slice(2));
const server = createServer(numbers, {
  logger: false,
  authenticate: ({ token }) => (token ? { id: token } : null),
});
server.request("increment", async ({ payload }) => {
  console.log("running");
  await new Promise((resolve) => setTimeout(resolve, payload.by > 100 ? 60_000 : 300));
  console.log(`ran ${payload.by}`);
  return payload.by;
});
server.request("double", ({ payload }) => payload * 2);

if (has.has("busy")) setInterval(() => {}, 60_000);
const note = (): void => console.log("own handler");
if (has.has("own-once")) process.once("SIGTERM", note);
if (has.has("own-drain")) process.on("SIGTERM", () => void end());

async function end(): Promise<void> {
  note();
  await server.drain();
  // What else the application has to finish.
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.exit(3);
}

if (has.has("idle")) await serve(createServer(contract({}), { logger: false }), { port: 0 });
const { port } = await serve(server, { port: 0, drain: { spreadMs: 100, deadlineMs: 5000 } });
console.log(port);
