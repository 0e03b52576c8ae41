import {
  contract,
  event,
  room,
  signal,
  type Contract,
  type PatternOf,
  type RoomNamesOf,
  type RoomOf,
} from "bowline";
import type { Client, Room } from "bowline/client";
import type { Server } from "bowline/server";
import * as z from "zod";
import { same } from "../support/types.ts";

const text = z.object({ text: z.string() });
const _chat = contract({
  rooms: {
    "chat/:room": room({ events: { message: event(text), typing: signal(text) }, presence: text }),
    "chat/lobby": room({ events: { welcome: event(text), wave: signal(text) } }),
    "game/:game": room({ events: { message: event(text), move: event(z.number()) } }),
    lobby: room({ events: { hello: event(text) } }),
  },
});
type Chat = typeof _chat;
declare const client: Client<Chat>;
declare const server: Server<Chat>;
declare const id: string;

// Where several fit, the one with the earlier literal segment wins.
type Patterns = "a/:x" | "a/b" | ":x/b" | ":x/:y" | "a/:x/:y" | "a/:x/c" | ":x/b/c" | "a/b/:z" | ":x";
same<PatternOf<Patterns, "a/b">, "a/b">();
same<PatternOf<Patterns, "a/c">, "a/:x">();
same<PatternOf<Patterns, "c/b">, ":x/b">();
same<PatternOf<Patterns, "c/d">, ":x/:y">();
same<PatternOf<Patterns, "a/b/c">, "a/b/:z">();
same<PatternOf<Patterns, "a/d/c">, "a/:x/c">();
same<PatternOf<Patterns, "a/d/e">, "a/:x/:y">();
same<PatternOf<Patterns, "c/b/c">, ":x/b/c">();
same<PatternOf<Patterns, "c">, ":x">();
same<PatternOf<Patterns, "c/d/e">, never>();
same<PatternOf<Patterns, "a/b/c/d">, never>();
same<PatternOf<Patterns, "a/">, never>();
same<PatternOf<Patterns, `a/${string}`>, "a/:x">();
same<PatternOf<Patterns, `a/${number}/c`>, "a/:x/c">();
same<PatternOf<Patterns, "a/b" | "c">, "a/b" | ":x">();
same<PatternOf<string, "a/b">, string>();

void client.join("chat/lobby").publish("welcome", { text: "hi" });
void client.publish("chat/lobby", "welcome", { text: "hi" });
void server.publish("chat/lobby", "welcome", { text: "hi" });
void server.signal("chat/lobby", "wave", { text: "hi" });
same<Awaited<ReturnType<typeof last>>[number]["event"], "welcome">();
function last() {
  return server.history("chat/lobby");
}
// @ts-expect-error an event of the pattern that comes after
void client.join("chat/lobby").publish("message", { text: "hi" });
// @ts-expect-error the room that wins has no presence
client.join("chat/lobby", { presence: { text: "hi" } });

// A name that no pattern fits is an error, and says so.
type Argument<Name extends RoomNamesOf<Chat>> = Parameters<typeof client.join<Name>>[0];
same<Argument<"chat/a/b">, "no room pattern of the contract fits this name">();
same<Argument<"chat/a">, "chat/a">();
// @ts-expect-error a segment too many
client.join("chat/a/b");
// @ts-expect-error a parameter is empty
client.join("chat/");
// @ts-expect-error a segment too many
void client.publish("chat/a/b", "message", { text: "hi" });
// @ts-expect-error a segment too many
void server.publish("chat/a/b", "message", { text: "hi" });
// @ts-expect-error a segment too many
void server.signal("chat/a/b", "typing", { text: "hi" });
// @ts-expect-error a segment too many
void server.history("chat/a/b");
// @ts-expect-error any word is no room
client.join(id);

// Names that are known in part.
const chatRoom = client.join(`chat/${id}`, { presence: { text: "hi" } });
same<typeof chatRoom, Room<Chat["rooms"]["chat/:room"]>>();
void client.join(`game/${1}`).publish("move", 1);
void client.publish(`game/${id}`, "move", 1);
void server.publish(`game/${id}`, "move", 1);
declare const template: `chat/${string}`;
void client.join(template).publish("message", { text: "hi" });

// Names of a union: what all of their rooms have.
declare const chats: "chat/a" | "chat/b";
void client.join(chats).publish("message", { text: "hi" });
declare const mixed: "chat/a" | `game/${string}`;
void client.join(mixed).publish("message", { text: "hi" });
// @ts-expect-error one of the rooms has no such event
void client.join(mixed).publish("move", 1);
declare const anyRoom: RoomNamesOf<Chat>;
client.join(anyRoom).leave();
declare const oneUnfit: "chat/a" | "chat/a/b";
// @ts-expect-error one of the names fits no pattern
client.join(oneUnfit);

// Names that are generic.
function open<Name extends RoomNamesOf<Chat>>(name: Name): Room<RoomOf<Chat, Name>> {
  void server.history(name);
  return client.join(name);
}
void open("chat/lobby").publish("welcome", { text: "hi" });
function openIn<C extends Contract, Name extends RoomNamesOf<C>>(
  other: Client<C>,
  name: Name,
): Room<RoomOf<C, Name>> {
  return other.join(name);
}
void openIn(client, "lobby").publish("hello", { text: "hi" });
function openChat<Name extends string>(name: Name): void {
  client.join(`chat/${name}`).leave();
}
openChat("a");

// Where the contract is not known, neither are its rooms.
declare const untyped: Client;
untyped.join("chat/a", { presence: { text: "hi" } }).on("message", ({ payload }) => {
  same<typeof payload, unknown>();
});
