/** A Socket.IO server: takes its port from `BOWLINE_CONFORMANCE`, tells the one it got, and ends at SIGTERM. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Position } from "bowline/protocol";
import { Server } from "socket.io";
import { heartbeatMs, type Message } from "./contender.ts";

const recoveryMs = 2 * 60 * 1000;
const { port } = JSON.parse(process.env["BOWLINE_CONFORMANCE"] ?? '{"port":0}') as { port: number };

const http = createServer();
const server = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  pingInterval: heartbeatMs,
  pingTimeout: heartbeatMs,
  connectionStateRecovery: { maxDisconnectionDuration: recoveryMs, skipMiddlewares: true },
});
const epoch = randomUUID();
const offsets = new Map<string, number>();
const positionOf = (room: string): Position => ({ epoch, offset: offsets.get(room) ?? 0 });

server.on("connection", (socket) => {
  socket.on("publish", (room: string, message: Message, acknowledge: (position: Position) => void) => {
    offsets.set(room, positionOf(room).offset + 1);
    const position = positionOf(room);
    server.to(room).emit("message", room, message, position);
    acknowledge(position);
  });
  if (socket.recovered) return;
  const { rooms } = socket.handshake.auth as { rooms: string[] };
  void socket.join(rooms);
  // To the socket's own room rather than to the socket: that is recovered too.
  server.to(socket.id).emit("joined", Object.fromEntries(rooms.map((room) => [room, positionOf(room)])));
});

await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
process.stdout.write(`${JSON.stringify({ port: (http.address() as AddressInfo).port })}\n`);
process.once("SIGTERM", () => void server.close().then(() => process.exit(0)));
process.stdin.on("close", () => process.exit(0)).resume();
