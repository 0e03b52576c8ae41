import type { Position } from "bowline/protocol";
import { io } from "socket.io-client";
import {
  reconnectMsMax,
  sourceCommand,
  type Contender,
  type Message,
  type Participant,
  type Participation,
} from "./contender.ts";

/**
 * Socket.IO with what its documentation has for delivery guarantees: connection state recovery on the server, and
 * `retries` with `ackTimeout` at the client, both with the values of its examples. It has no positions; the server
 * counts the messages of each room for the checker's sake.
 */
export const socketIo: Contender = {
  serverCommand: sourceCommand("faults/contenders/socket-io-server.ts"),
  participate,
};

const ackTimeoutMs = 10_000;
const retries = 3;

async function participate({ port, rooms, log }: Participation): Promise<Participant> {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ["websocket"],
    forceNew: true,
    auth: { rooms },
    retries,
    ackTimeout: ackTimeoutMs,
    reconnectionDelay: reconnectMsMax / 15,
    reconnectionDelayMax: reconnectMsMax,
  });
  const epochs = new Map<string, string>();
  socket.on("message", (room: (typeof rooms)[number], { id }: Message, position: Position) =>
    log(room, { type: "delivered", id, position, replayed: false }),
  );
  const joined = new Promise<void>((resolve) => {
    // It comes again when a connection was not recovered: `socket.recovered` is false, which is this one's gap.
    socket.on("joined", (positions: Record<string, Position>) => {
      for (const room of rooms) {
        const position = positions[room];
        if (!position) continue;
        const before = epochs.get(room);
        epochs.set(room, position.epoch);
        const reason = before === position.epoch ? "trimmed" : "epoch";
        log(room, before === undefined ? { type: "joined", position } : { type: "gap", reason, position });
      }
      resolve();
    });
  });
  await joined;
  return {
    publish: async (room, message) => {
      try {
        return (await socket.emitWithAck("publish", room, message)) as Position;
      } catch (error) {
        // After the last retry: it may have arrived or not.
        throw Object.assign(new Error("no acknowledgement came", { cause: error }), { code: "UNCERTAIN" });
      }
    },
    present: () => null,
    close: () => socket.close(),
  };
}
