/** The server process: `server.ts <contender> <port>`. Tells its parent the port, then serves until it is killed. */
import { contenderNamed } from "./contenders/all.ts";
import type { ContenderName } from "./contenders/contender.ts";

const [name, port] = process.argv.slice(2) as [ContenderName, string];

process.on("disconnect", () => process.exit(0));
const contender = await contenderNamed(name);
process.send?.({ port: await contender.serve(Number(port)) });
