import { createClient, type Client, type ClientOptions, type Status } from "bowline/client";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { startNumbersServer, type NumbersServer } from "./numbers-server.ts";
import { numbers } from "./numbers.contract.ts";

/** No wait between attempts: these tests are about what is delivered, not about when. */
export const impatient: Partial<ClientOptions> = { random: { float: () => 0, id: randomId } };

function randomId(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join("");
}

/** A server, and a line to it that can be broken; both closed when the test is over. */
export async function startBehindProxy(): Promise<{ server: NumbersServer; proxy: FaultProxy }> {
  const server = await startNumbersServer();
  const proxy = await startFaultProxy({ port: server.port });
  onTestFinished(async () => {
    await proxy.close();
    await server.close();
  });
  return { server, proxy };
}

/** A client of the numbers contract, closed when the test is over. The token is the user's id. */
export function connect(
  port: number,
  user: string,
  options: Partial<ClientOptions> = {},
): Client<typeof numbers> {
  const url = `ws://127.0.0.1:${port}/bowline`;
  const client = createClient(numbers, { url, token: user, WebSocket, log: false, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Resolves when the client's status fits. */
export async function statusOf(
  client: Client<typeof numbers>,
  fits: (status: Status) => boolean,
): Promise<Status> {
  if (fits(client.status)) return client.status;
  return new Promise((resolve) => {
    const undo = client.onStatus((status) => {
      if (!fits(status)) return;
      undo();
      resolve(status);
    });
  });
}

/** Resolves when it is connected. */
export async function opened(client: Client<typeof numbers>): Promise<void> {
  await statusOf(client, ({ state }) => state === "open");
}

/** Resolves when it is not connected. */
export async function lost(client: Client<typeof numbers>): Promise<void> {
  await statusOf(client, ({ state }) => state !== "open");
}
