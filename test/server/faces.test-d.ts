import type { Contract } from "bowline";
import type { Server, ServerUser } from "bowline/server";
import type { FacedServer } from "../../src/server/server.ts";
import { keeps, same } from "../support/types.ts";

// The typed face is put on its machine by a cast: what neither may have without the other is held together here.
same<keyof FacedServer, keyof Server>();
same<keyof ReturnType<FacedServer["user"]>, keyof ServerUser<Contract>>();

// All that does not depend on the contract.
keeps<FacedServer, Omit<Server, "history" | "publish" | "request" | "room" | "signal" | "user">>();
keeps<ReturnType<FacedServer["user"]>, Omit<ServerUser<Contract>, "notify">>();
