/**
 * The page, and a balancer for nodes that run elsewhere: NODES names them, e.g. `chat:4000` or `10.0.0.1:4000,10.0.0.2:4000`.
 * New connections go to them in turn; a name that stands for several addresses (a Docker service) is resolved each time.
 */
import { startFront } from "./front.ts";

const nodes = (process.env["NODES"] ?? "").split(",").flatMap((entry) => {
  const [host, port] = entry.trim().split(":");
  return host && Number(port) > 0 ? [{ host, port: Number(port) }] : [];
});
if (nodes.length === 0) throw new Error("NODES must name the nodes, like chat:4000");

let turn = 0;
const url = await startFront(() => nodes[(turn += 1) % nodes.length] ?? null);
console.log(`Bowline chat: ${url}`);
