/** A server to be sent SIGTERM, with an idle one beside it if there is an argument: prints its port, then `ran N` for each handler that finished. */
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { numbers } from "../guarantees/numbers.contract.ts";

const server = createServer(numbers, { authenticate: ({ token }) => (token ? { id: token } : null) });
server.request("increment", async ({ payload }) => {
  console.log("running");
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.log(`ran ${payload.by}`);
  return payload.by;
});
server.request("double", ({ payload }) => payload * 2);
if (process.argv[2]) await serve(createServer(contract({})), { port: 0 });
const { port } = await serve(server, { port: 0, drain: { spreadMs: 100, deadlineMs: 5000 } });
console.log(port);
