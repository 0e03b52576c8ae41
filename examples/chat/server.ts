/**
 * The chat in one process: `npm start`, then open the URL it prints. Set PORT for another port than 3000, and DATA to a
 * file to keep everything in, or REDIS_URL or NATS_URL to keep it there (see broker.ts).
 *
 * The Bowline server listens on a port of its own that only this process knows; front.ts stands in front of it.
 */
import { serve } from "bowline/node";
import { brokerOf } from "./broker.ts";
import { createChatServer } from "./chat-server.ts";
import { startFront } from "./front.ts";
import { giveUp, log } from "./report.ts";

await start().catch(giveUp);

async function start(): Promise<void> {
  const broker = await brokerOf(process.env);
  const { server, openFirstRooms } = createChatServer({ broker, logger: log });
  const drain = { spreadMs: 0, deadlineMs: 500 };
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", drain });
  await openFirstRooms();

  const url = await startFront(() => ({ host: "127.0.0.1", port }));
  console.log(`Bowline chat: ${url}`);
}
