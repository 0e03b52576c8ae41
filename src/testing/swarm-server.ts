import type { Contract } from "../contract/contract.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { UserLike } from "../server/connection.ts";
import { createServer, type Server } from "../server/server.ts";
import type { UntypedRequestHandler, UntypedRoomHandlers } from "../server/handlers.ts";
import type { History } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { ServerSeams } from "./sim-node.ts";
import type { Note } from "./swarm-contract.ts";
import type { SwarmKnobs } from "./swarm-knobs.ts";

/** Tokens begin with it, unless they are to be refused. */
export const goodToken = "good.";
/** The device that is never let in: its token is a bad one. */
export const strangerName = "stranger";

/** Whether a user may read and write the closed rooms. */
export function mayEnter(user: string, room: string): boolean {
  return !room.startsWith("closed/") || !user.endsWith("1");
}

/** Who a token is for, and until when. */
function readToken(token: string | undefined): (UserLike & { readonly expiresAt?: number }) | null {
  if (!token?.startsWith(goodToken)) return null;
  const [id = "", end] = token.slice(goodToken.length).split("~");
  return end === undefined ? { id } : { id, expiresAt: Number(end) };
}

/** A server with handlers that take their time, refuse now and then, and note that they ran. */
export function swarmServer(
  contract: Contract,
  knobs: SwarmKnobs,
  history: History,
  { seams, node }: { readonly seams: ServerSeams; readonly node: string },
): Server<Contract, UserLike> {
  const { handlerMs, refusals, heartbeatMs, presenceGraceMs, limits } = knobs;
  const random = new SeededRandom(Math.floor(seams.random.float() * 2 ** 32));
  const server = createServer<Contract, UserLike>(contract, {
    ...seams,
    heartbeatMs,
    presenceGraceMs,
    limits,
    authenticate: ({ token }) => readToken(token),
  });
  const pause = async (): Promise<void> => {
    if (handlerMs > 0 && random.chance(0.5))
      await new Promise<void>((resolve) => void seams.clock.setTimer(random.between(0, handlerMs), resolve));
  };
  const noteRun = (user: UserLike, name: string, input: unknown): void =>
    history.add({ type: "handled", node, user: user.id, name, input: JSON.stringify(input) });
  const room: UntypedRoomHandlers = {
    join: async ({ user, room: name }) => {
      await pause();
      return mayEnter(user.id, name);
    },
    on: {
      note: async ({ user, payload }) => {
        noteRun(user, "note", payload);
        await pause();
        if (random.chance(refusals)) throw new BowlineError("busy", "not now");
      },
    },
  };
  const answer =
    (name: string): UntypedRequestHandler =>
    async ({ user, payload }) => {
      noteRun(user, name, payload);
      await pause();
      if (random.chance(refusals)) throw new BowlineError("busy", "not now");
      return { n: (payload as Note).n, fill: "" };
    };
  for (const pattern of Object.keys(contract.rooms)) server.room(pattern, room);
  for (const name of Object.keys(contract.requests)) server.request(name, answer(name));
  return server;
}
