import type { AddressInfo } from "node:net";
import { WebSocketServer, type RawData } from "ws";
import type { Role } from "./contender.ts";

const asText = { binary: false };

/** What the manual of `ws` shows: `send` in a loop over its own set of clients. */
export async function startWs(role: Role): Promise<number> {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    if (role === "echo") {
      socket.on("message", (data: RawData) => socket.send(data as Buffer, asText));
      return;
    }
    socket.on("message", (data: RawData) => {
      for (const member of sockets.clients) member.send(data as Buffer, asText);
    });
  });
  await new Promise((resolve) => sockets.once("listening", resolve));
  return (sockets.address() as AddressInfo).port;
}
