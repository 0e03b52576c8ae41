/**
 * One node of the chat's cluster: a Bowline server and nothing else, on PORT (any free one without it) of HOST. Started by
 * cluster.ts, or by hand behind a balancer of your own. SIGTERM sends its visitors to the other nodes, and then ends it.
 */
import { serve } from "bowline/node";
import { brokerOf } from "./broker.ts";
import { createChatServer } from "./chat-server.ts";
import { giveUp, log } from "./report.ts";

const { HOST, PORT } = process.env;

await start().catch(giveUp);

async function start(): Promise<void> {
  const broker = await brokerOf(process.env);
  const { server, openFirstRooms } = createChatServer({ broker, logger: log });
  const { port } = await serve(server, {
    port: Number(PORT || 0),
    host: HOST || "127.0.0.1",
    drain: { spreadMs: 1000 },
  });
  await openFirstRooms();
  process.send?.({ port });
}
