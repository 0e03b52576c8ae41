import { contract, event, room } from "bowline";
import { createClient } from "bowline/client";
import type {
  BowlineErrorOptions,
  Client,
  ClientOptions,
  Clock,
  Contract,
  Fate,
  Gap,
  Issue,
  JoinOptions,
  Member,
  Message,
  OutboxLimits,
  PayloadOut,
  Position,
  PresenceOut,
  Publish,
  Random,
  RefusalBody,
  RequestCallOptions,
  Room,
  RoomDefinition,
  RoomNamesOf,
  RoomOf,
  RoomPresence,
  RoomStatus,
  SignalMessage,
  Status,
  Store,
  TokenSource,
  Transport,
  Undo,
  WebSocketClass,
} from "bowline/client";
import { applyChange, memoryStore } from "bowline/client/store";
import type { StoreChange, StoredState } from "bowline/client/store";
import * as z from "zod";
import { keeps, same } from "../support/types.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.string()) }, presence: z.number() }) },
});
const client = createClient(chat, { url: "/bowline" });
const lobby = client.join("chat/lobby");

// What the signatures of the client name is to be had from where the client is.
keeps<Client<typeof chat>, typeof client>();
keeps<RoomOf<typeof chat, "chat/lobby">, RoomDefinition>();
same<RoomNamesOf<typeof chat>, `chat/${string}`>();
same<(typeof lobby)["position"], Position | null>();
same<(typeof lobby)["status"], RoomStatus>();
same<(typeof client)["status"], Status>();
same<(typeof client)["pending"], readonly Fate[]>();
keeps<Parameters<typeof lobby.onGap>[0], (gap: Gap) => void>();
keeps<ReturnType<typeof lobby.onGap>, Undo>();
keeps<Member, { readonly session: string }>();
keeps<NonNullable<BowlineErrorOptions["issues"]>, readonly Issue[]>();
keeps<NonNullable<ClientOptions["clock"]>, Clock>();
keeps<NonNullable<ClientOptions["random"]>, Random>();
keeps<NonNullable<ClientOptions["store"]>, Store>();
keeps<NonNullable<ClientOptions["transport"]>, Transport>();
keeps<NonNullable<ClientOptions["WebSocket"]>, WebSocketClass>();
keeps<NonNullable<ClientOptions["outbox"]>, Partial<OutboxLimits>>();
keeps<Exclude<ClientOptions["token"], string | null | undefined>, TokenSource>();
keeps<Parameters<typeof client.request>[2], RequestCallOptions | undefined>();
keeps<JoinOptions<number>, object>();
keeps<typeof chat, Contract>();
keeps<RefusalBody, { readonly code: string }>();
keeps<Message<string> | SignalMessage<string>, { readonly event: string }>();
same<PayloadOut<(typeof chat)["rooms"]["chat/:room"]["events"]["message"]>, string>();
same<PresenceOut<(typeof chat)["rooms"]["chat/:room"]>, number>();
keeps<RoomPresence<(typeof chat)["rooms"]["chat/:room"]>, { readonly count: number }>();
keeps<typeof lobby, Room<(typeof chat)["rooms"]["chat/:room"]>>();

// A store's own work is apart: pages that have none do not load it.
const state: StoredState | null = [].reduce<StoredState | null>(
  (before, change: StoreChange) => applyChange(before, change),
  memoryStore.initial,
);
void state;

// Functions that are taken off keep their types.
const { publish, on, presence } = lobby;
const { set } = presence;
keeps<ReturnType<typeof publish<"message">>, Publish>();
on("message", ({ payload }) => payload.length);
set(1);
// @ts-expect-error not the type of a state
set("x");
// @ts-expect-error no event of the room
on("mesage", () => {});

// Options that are none do not compile either.
// @ts-expect-error no option
client.join("chat/lobby", { histroy: 5 });
// @ts-expect-error no options
client.join("chat/lobby", "x");
// @ts-expect-error no option
createClient(chat, { url: "/bowline", tokn: "x" });
