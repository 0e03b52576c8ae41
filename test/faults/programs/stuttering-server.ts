/**
 * A server for the fault run that stores every tenth publish a second time, as one does whose ledger fails. It takes its
 * config and tells its port as the server of the conformance suite does, and serves only what the run needs.
 */
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer, memory } from "bowline/server";
import { wrapBroker } from "bowline/testing";
import { conformanceContract } from "../../../conformance/contract.ts";

const { port, heartbeatMs, presenceGraceMs } = JSON.parse(process.env["BOWLINE_CONFORMANCE"] ?? "{}") as {
  readonly port: number;
  readonly heartbeatMs: number;
  readonly presenceGraceMs: number;
};
const inner = memory();
let appends = 0;
const broker = wrapBroker(inner, {
  append: async (request) => {
    appends += 1;
    const result = await inner.append(request);
    const { room, data, bound } = request;
    if (appends % 10 === 0) await inner.append({ room, data, bound });
    return result;
  },
});
const { rooms } = conformanceContract;
const served = contract({
  rooms: { "long/:room": rooms["long/:room"], "short/:room": rooms["short/:room"] },
});
const server = createServer(served, {
  broker,
  heartbeatMs,
  presenceGraceMs,
  logger: false,
  onError: () => {},
});
const serving = await serve(server, { port, host: "127.0.0.1", signals: false });
process.stdout.write(`${JSON.stringify({ port: serving.port })}\n`);
process.stdin.on("close", () => process.exit(0)).resume();
