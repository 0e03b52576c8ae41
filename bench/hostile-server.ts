/** The server of `hostile.ts`, with the limits that every server has by default. Tells its parent the port. */
import { contract, event, request, room, signal, type Schema } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";

const any: Schema<unknown> = {
  "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) },
};
const anyRoom = room({ events: { message: event(any), typing: signal(any) }, presence: any });

process.on("disconnect", () => process.exit(0));

const server = createServer(
  contract({ rooms: { ":kind/:name": anyRoom }, requests: { echo: request({ input: any, output: any }) } }),
  { logger: false, onError: () => {} },
);
server.request("echo", ({ payload }) => payload);
const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
process.send?.({ port });
