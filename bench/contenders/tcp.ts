import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Role } from "./contender.ts";

/** Bytes before each message: its length. */
const headerBytes = 2;
/** An empty message says that the server has let the client in; the kernel connects it before that. */
const joined = Buffer.alloc(headerBytes);

/** The floor: what Node's sockets cost when nothing is done but one write per message and member. */
export async function startTcp(role: Role): Promise<number> {
  const members = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    members.add(socket);
    socket.write(joined);
    socket.on("close", () => members.delete(socket)).on("error", () => {});
    const targets = role === "echo" ? [socket] : members;
    let rest: Buffer | null = null;
    socket.on("data", (data: Buffer) => {
      rest = passOn(rest ? Buffer.concat([rest, data]) : data, targets);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Writes each whole message to every target; gives back what is not whole yet. */
function passOn(bytes: Buffer, targets: Iterable<Socket>): Buffer | null {
  let at = 0;
  while (bytes.length - at >= headerBytes) {
    const end = at + headerBytes + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    const message = bytes.subarray(at, end);
    for (const target of targets) target.write(message);
    at = end;
  }
  return at === bytes.length ? null : bytes.subarray(at);
}
