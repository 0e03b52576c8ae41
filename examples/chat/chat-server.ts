/** The chat's Bowline server: who may come in, which rooms there are, how a new one is opened. */
import { createServer, type Server, type ServerOptions } from "bowline/server";
import { chat, cleanName, nameLengthMax, roomsMax } from "./contract.ts";
import { firstRooms, slugOf, type RoomInfo } from "./directory.ts";

export interface ChatServer {
  readonly server: Server<typeof chat>;
  /** Opens the rooms that are there from the start; call it once the server is served. */
  readonly openFirstRooms: () => Promise<void>;
}

/** Makes the server. It listens to nothing yet: `server.ts` serves it, and a simulation runs it as it is. */
export function createChatServer(
  seams: Pick<ServerOptions, "broker" | "clock" | "random" | "onError" | "logger"> = {},
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

  /** The rooms this process knows of; others, or this one before a restart, may have opened more. */
  const rooms = new Map<string, RoomInfo>();

  async function readRooms(): Promise<void> {
    for (const { payload } of await server.history("rooms", { limit: roomsMax }))
      rooms.set(payload.slug, payload);
  }

  async function isOpen(slug: string): Promise<boolean> {
    if (!rooms.has(slug)) await readRooms();
    return rooms.has(slug);
  }

  async function openRoom(room: RoomInfo): Promise<void> {
    await server.publish("rooms", "opened", room);
    rooms.set(room.slug, room);
  }

  server
    .room("chat/:slug", { join: ({ params }) => isOpen(params.slug) })
    .request("rooms.open", async ({ user, payload, refuse }) => {
      const title = cleanName(payload.title);
      const slug = slugOf(title);
      if (!slug) throw refuse("NO_NAME", "A room needs a letter or a digit in its name.");
      if (!(await isOpen(slug))) {
        if (rooms.size >= roomsMax) throw refuse("FULL", `There are ${roomsMax} rooms already.`);
        await openRoom({ slug, title, topic: `Opened by ${user.id}` });
      }
      return { slug };
    });

  return {
    server,
    openFirstRooms: async () => {
      for (const room of firstRooms) if (!(await isOpen(room.slug))) await openRoom(room);
    },
  };
}

function decodeName(token: string): string {
  try {
    return cleanName(decodeURIComponent(token));
  } catch {
    return "";
  }
}
