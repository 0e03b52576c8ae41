import type { Client, Room, RoomPresence } from "bowline/client";
import type { ClientFace } from "../../src/client/client.ts";
import type { JoinedRoom } from "../../src/client/joined-room.ts";
import { keeps, same } from "../support/types.ts";

// A typed face is put on its machine by a cast: what neither may have without the other is held together here.
same<keyof ClientFace, keyof Client>();
same<keyof JoinedRoom, keyof Room>();
same<keyof JoinedRoom["presence"], keyof RoomPresence>();

// All that does not depend on the contract.
keeps<ClientFace, Omit<Client, "join" | "publish" | "request">>();
keeps<JoinedRoom, Omit<Room, "on" | "publish" | "presence">>();
keeps<JoinedRoom["presence"], RoomPresence>();
