import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { contract } from "bowline";
import { closeSilent, serve } from "bowline/node";
import { createServer } from "bowline/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { connect as connectClient, opened } from "../guarantees/clients.ts";

async function dial(port: number, text = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  if (text) socket.write(text);
  return socket;
}

async function serveSilently(handshakeMs: number): Promise<number> {
  const server = createServer(contract({}), { logger: false, limits: { handshakeMs } });
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  onTestFinished(() => server.close());
  return port;
}

describe("serve", () => {
  test.each([
    ["sends nothing", ""],
    ["sends half a line", "GET /bow"],
    ["sends a head without an end", "GET /bowline HTTP/1.1\r\nHost: x\r\n"],
  ])("closes a TCP connection that %s within handshakeMs", async (_what, text) => {
    const socket = await dial(await serveSilently(200), text);
    socket.resume();
    await once(socket, "close");
  });

  test("leaves clients alone, however long after", async () => {
    const server = createServer(contract({}), { logger: false, limits: { handshakeMs: 300 } });
    const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
    onTestFinished(() => server.close());
    const client = connectClient(port, "ann");
    await opened(client);
    const statuses: string[] = [];
    client.onStatus(({ state }) => statuses.push(state));
    const silent = await dial(port);
    // It came later than the client, and had as long as any.
    await once(silent, "close");
    expect([client.status.state, statuses]).toEqual(["open", []]);
  });
});

describe("closeSilent", () => {
  test("holds as many silent connections as its limit, and cuts those that were silent the longest", async () => {
    const http = createHttpServer((_request, response) => response.end("hello"));
    closeSilent(http, { silentMax: 2, silentMs: 60_000 });
    await once(http.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      http.closeAllConnections();
      http.close();
    });
    const { port } = http.address() as AddressInfo;
    const talking = await dial(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(talking, "data");
    const [first, second] = [await dial(port), await dial(port)];
    const third = await dial(port);
    await once(first, "close");
    for (const socket of [second, third, talking]) {
      const answered = once(socket, "data");
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await answered;
    }
  });

  test("names an option that is no number above 0", () => {
    expect(() => closeSilent(createHttpServer(), { silentMs: 0 })).toThrow(
      "closeSilent: silentMs must be a number above 0, not 0",
    );
  });
});
