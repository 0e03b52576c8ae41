/** The chat's Bowline server: who may come in, which rooms there are, how a new one is opened. */
import { createServer, type Server, type ServerOptions } from "bowline/server";
import { chat, nameLengthMax, roomsMax } from "./contract.ts";
import { firstRooms, slugOf, type RoomInfo } from "./directory.ts";

export interface ChatServer {
  readonly server: Server<typeof chat>;
  /** Opens the rooms that are there from the start; call it once the server is served. */
  readonly openFirstRooms: () => Promise<void>;
}

/** Makes the server. It listens to nothing yet: `server.ts` serves it, and a simulation runs it as it is. */
export function createChatServer(
  seams: Pick<ServerOptions, "broker" | "clock" | "random" | "onError"> = {},
): ChatServer {
  const server = createServer(chat, {
    ...seams,
    // A demo: the token is the name itself, and whoever says they are Ada is Ada. Verify a signed token here.
    authenticate: ({ token }) => {
      const name = decodeName(token ?? "");
      return name.length > 0 && name.length <= nameLengthMax ? { id: name } : null;
    },
    // Short, so that a cut line is noticed while you watch. The default of 30 seconds costs less.
    heartbeatMs: 2000,
    presenceGraceMs: 4000,
  });

  const rooms = new Map<string, RoomInfo>();

  async function openRoom(room: RoomInfo): Promise<void> {
    rooms.set(room.slug, room);
    await server.publish("rooms", "opened", room);
  }

  server
    .room("chat/:slug", { join: ({ params }) => rooms.has(params.slug) })
    .request("rooms.open", async ({ user, payload: { title }, refuse }) => {
      const slug = slugOf(title);
      if (!slug) throw refuse("NO_NAME", "A room needs a letter or a digit in its name.");
      if (!rooms.has(slug)) {
        if (rooms.size >= roomsMax) throw refuse("FULL", `There are ${roomsMax} rooms already.`);
        await openRoom({ slug, title, topic: `Opened by ${user.id}` });
      }
      return { slug };
    });

  return {
    server,
    openFirstRooms: async () => {
      for (const room of firstRooms) await openRoom(room);
    },
  };
}

function decodeName(token: string): string {
  try {
    return decodeURIComponent(token).trim();
  } catch {
    return "";
  }
}
