import { createServer, type Server, type ServerOptions } from "bowline/server";
import { serve } from "bowline/node";
import { numbers } from "./numbers.contract.ts";

/** A running server of the numbers contract. */
export interface NumbersServer {
  readonly server: Server<typeof numbers>;
  readonly url: string;
  readonly port: number;
  /** How often the `increment` handler ran, and the sum it made. */
  readonly increments: { runs: number; sum: number };
  /** What every `increment` waits for before it answers. */
  hold: Promise<void>;
  close(): Promise<void>;
}

/** Starts one on a free port, or on a given one; a token is taken for the user's id. */
export async function startNumbersServer({
  port: wanted = 0,
  ...options
}: ServerOptions & { port?: number } = {}): Promise<NumbersServer> {
  const server = createServer(numbers, {
    logger: false,
    authenticate: ({ token }) => (token === undefined ? null : { id: token }),
    limits: { framesPerSecond: 5000, framesBurst: 20_000, bytesPerSecond: Infinity },
    ...options,
  });
  const increments = { runs: 0, sum: 0 };
  server.request("increment", async ({ payload }) => {
    increments.runs += 1;
    increments.sum += payload.by;
    const { sum } = increments;
    await running.hold;
    return sum;
  });
  server.request("double", ({ payload }) => payload * 2);
  const { url, port } = await serve(server, { port: wanted, signals: false });
  const running: NumbersServer = {
    server,
    url,
    port,
    increments,
    hold: Promise.resolve(),
    close: () => server.close(),
  };
  return running;
}
