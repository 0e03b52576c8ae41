import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions } from "socket.io";
import type { Role } from "./contender.ts";

export async function startSocketIo(role: Role): Promise<number> {
  const { io, listen } = createSocketIo();
  io.on("connection", (socket) => {
    if (role === "echo") {
      socket.on("echo", (text: string, answer: (text: string) => void) => answer(text));
      return;
    }
    void socket.join("bench");
    socket.on("message", (text: string) => io.to("bench").emit("message", text));
  });
  return listen();
}

/** A server in its plainest form; `listen` resolves with its port. */
export function createSocketIo(options: Partial<ServerOptions> = {}): {
  readonly io: Server;
  readonly listen: () => Promise<number>;
} {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false, ...options });
  const listen = async (): Promise<number> => {
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return (http.address() as AddressInfo).port;
  };
  return { io, listen };
}
