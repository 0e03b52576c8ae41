/**
 * A server process: `server.ts <contender> <port> <broker> <broker's port> <broker's folder>`. Tells its parent the port,
 * then serves until it is killed, or told to drain.
 */
import { contenderNamed } from "./contenders/all.ts";
import type { BrokerName, ContenderName } from "./contenders/contender.ts";

const [name, port, broker, brokerPort, folder = ""] = process.argv.slice(2) as [
  ContenderName,
  string,
  BrokerName,
  string,
  string?,
];

process.on("disconnect", () => process.exit(0));
const contender = await contenderNamed(name);
const serving = await contender.serve(Number(port), {
  name: broker,
  port: Number(brokerPort),
  folder,
});
process.on("message", () => void serving.drain().then(() => process.exit(0)));
process.send?.({ port: serving.port });
