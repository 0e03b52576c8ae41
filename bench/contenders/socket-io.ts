import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import type { Role } from "./contender.ts";

export async function startSocketIo(role: Role): Promise<number> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  io.on("connection", (socket) => {
    if (role === "echo") {
      socket.on("echo", (text: string, answer: (text: string) => void) => answer(text));
      return;
    }
    void socket.join("bench");
    socket.on("message", (text: string) => io.to("bench").emit("message", text));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return (http.address() as AddressInfo).port;
}
