import { contract, event, request, room, signal, type Params, type PatternOf, type RoomName } from "bowline";
import type { Client, Message, Publish } from "bowline/client";
import type { Server } from "bowline/server";
import type { Position } from "bowline";
import * as z from "zod";
import { same } from "../support/types.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: {
        message: event(z.object({ text: z.string(), at: z.string().transform(Number) })),
        typing: signal(z.object({ active: z.boolean() })),
        notice: event(z.object({ text: z.string() }), { from: "server" }),
        pulse: signal(z.number(), { from: "server" }),
      },
      presence: z.object({ name: z.string().default("?") }),
    }),
    lobby: room({ events: { hello: event(z.string()) } }),
    "team/:team/doc/:doc": room({ events: { edit: event(z.number()) } }),
  },
  requests: {
    "rooms.list": request({
      input: z.object({ page: z.number().default(0) }),
      output: z.array(z.string()),
      errors: ["busy"],
    }),
  },
});
type Chat = typeof chat;
declare const client: Client<Chat>;
declare const server: Server<Chat, { id: string; admin: boolean }>;

// Names, patterns and parameters.
same<RoomName<"chat/:room">, `chat/${string}`>();
same<RoomName<"lobby">, "lobby">();
same<PatternOf<"chat/:room" | "lobby", "chat/x">, "chat/:room">();
same<PatternOf<"chat/:room" | "lobby", "chat/x/y">, never>();
same<keyof Params<"team/:team/doc/:doc">, "team" | "doc">();
same<Params<"lobby">[never], never>();

// Joining.
const lobby = client.join("chat/x", { presence: {} });
client.join("lobby");
client.join(`chat/${String(1)}`);
// @ts-expect-error no pattern fits
client.join("nowhere");
// @ts-expect-error a presence state of the wrong shape
client.join("chat/x", { presence: { name: 1 } });
// @ts-expect-error history is a number
client.join("lobby", { history: "10" });

// Publishing: a promise for an event, nothing for a signal.
same<ReturnType<typeof publishMessage>, Publish>();
function publishMessage() {
  return lobby.publish("message", { text: "hi", at: "1" });
}
const position: Promise<Position> = publishMessage();
void position;
same<ReturnType<typeof sendTyping>, void>();
function sendTyping() {
  return lobby.publish("typing", { active: true });
}
// @ts-expect-error a signal gives nothing to wait for
void lobby.publish("typing", { active: true }).then;
// @ts-expect-error what goes in is what the schema takes, not what it gives
void lobby.publish("message", { text: "hi", at: 1 });
// @ts-expect-error a field is missing
void lobby.publish("message", { at: "1" });
// @ts-expect-error no such event
void lobby.publish("mesage", { text: "hi", at: "1" });
// @ts-expect-error only the server publishes it
void lobby.publish("notice", { text: "hi" });
// @ts-expect-error only the server sends it
void lobby.publish("pulse", 1);
// @ts-expect-error an event of another room
void lobby.publish("edit", 1);

// Listening: what the schema gives comes out.
lobby.on("message", (message) => same<typeof message, Message<{ text: string; at: number }>>());
lobby.on("message", ({ position: { offset, epoch } }) =>
  same<[typeof offset, typeof epoch], [number, string]>(),
);
lobby.on("notice", ({ payload }) => same<typeof payload, { text: string }>());
lobby.on("typing", ({ payload }) => same<typeof payload, { active: boolean }>());
// @ts-expect-error a signal has no position
lobby.on("typing", ({ position: _none }) => {});
// @ts-expect-error no such event
lobby.on("mesage", () => {});

// Presence.
lobby.presence.set({});
same<typeof lobby.presence.count, number>();
for (const { state } of lobby.presence.members.values()) same<typeof state, { name: string }>();
// @ts-expect-error of the wrong shape
lobby.presence.set({ name: 1 });
// @ts-expect-error this room has no presence
client.join("lobby").presence.set({});

// Requests.
same<Awaited<ReturnType<typeof ask>>, string[]>();
function ask() {
  return client.request("rooms.list", {});
}
// @ts-expect-error no such request
void client.request("rooms.lst", {});
// @ts-expect-error the input is of the wrong shape
void client.request("rooms.list", { page: "1" });

// The server's side.
server.room("chat/:room", {
  join: ({ user, params }) => user.admin || params.room === "open",
  on: {
    message: ({ payload, params, user }) => {
      same<typeof payload, { text: string; at: number }>();
      same<typeof user, { id: string; admin: boolean }>();
      return { text: params.room, at: "2" };
    },
    typing: () => {},
  },
});
server.room("chat/:room", {
  // @ts-expect-error no such parameter
  join: ({ params }) => params.team === "",
});
server.room("chat/:room", {
  on: {
    // @ts-expect-error clients can't publish it
    notice: () => {},
  },
});
server.room("chat/:room", {
  on: {
    // @ts-expect-error what a handler publishes has to fit the schema
    message: () => ({ text: 1 }),
  },
});
// @ts-expect-error no such pattern
server.room("chat/x", {});
// @ts-expect-error whether somebody may join is a boolean
server.room("lobby", { join: () => "yes" });

server.request("rooms.list", ({ payload, refuse }) => {
  same<typeof payload, { page: number }>();
  if (payload.page > 9) throw refuse("busy");
  // @ts-expect-error no such refusal was declared
  if (payload.page > 8) throw refuse("bussy");
  return [];
});
// @ts-expect-error a reply of the wrong shape
server.request("rooms.list", () => [1]);

same<ReturnType<typeof notify>, Promise<Position>>();
function notify() {
  return server.publish("chat/x", "notice", { text: "hi" });
}
void server.publish("chat/x", "message", { text: "hi", at: "1" });
void server.signal("chat/x", "pulse", 1);
// @ts-expect-error a signal is not published
void server.publish("chat/x", "pulse", 1);
// @ts-expect-error an event is no signal
void server.signal("chat/x", "notice", { text: "hi" });
// @ts-expect-error no such room
void server.publish("nowhere", "notice", { text: "hi" });

// The contract itself.
// @ts-expect-error neither an event nor a signal
room({ events: { message: z.string() } });
// @ts-expect-error no such unit
room({ events: {}, history: { age: "3w" } });
// @ts-expect-error no schema
event({ text: "string" });
