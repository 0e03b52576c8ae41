/** Two workers of node:cluster, each with a server in memory: prints the code of every warning that one is given. */
import cluster from "node:cluster";
import { once } from "node:events";
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, "exit")));
} else {
  process.on("warning", (warning: Error & { readonly code?: string }) => console.log(warning.code));
  for (const path of ["/one", "/two"]) {
    const server = createServer(contract({}), { logger: false, path });
    await serve(server, { port: 0, signals: false });
    await server.close();
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.disconnect();
}
