import { contract, event, request, room, signal } from "bowline";
import type { Client, Message } from "bowline/client";
import type { Server } from "bowline/server";
import { type } from "arktype";
import * as v from "valibot";
import { same } from "../support/types.ts";

const _chat = contract({
  rooms: {
    "valibot/:room": room({
      events: {
        message: event(v.object({ text: v.string(), at: v.pipe(v.string(), v.transform(Number)) })),
        typing: signal(v.boolean()),
      },
      presence: v.object({ name: v.optional(v.string(), "?") }),
    }),
    "arktype/:room": room({
      events: {
        message: event(type({ text: "string", at: "string.numeric.parse" })),
        typing: signal(type("boolean")),
      },
      presence: type({ name: "string = '?'" }),
    }),
  },
  inbox: { mentioned: event(type({ by: "string" })) },
  requests: {
    "valibot.list": request({ input: v.object({}), output: v.array(v.string()) }),
    "arktype.list": request({ input: type({}), output: type("string[]") }),
  },
});
declare const client: Client<typeof _chat>;
declare const server: Server<typeof _chat>;

const valibot = client.join("valibot/a", { presence: {} });
void valibot.publish("message", { text: "hi", at: "1" });
valibot.publish("typing", true);
valibot.on("message", (message) => same<typeof message, Message<{ text: string; at: number }>>());
for (const { state } of valibot.presence.members.values()) same<typeof state, { name: string }>();
same<Awaited<ReturnType<typeof client.request<"valibot.list">>>, string[]>();
void server.publish("valibot/a", "message", { text: "hi", at: "1" });
// @ts-expect-error what goes in is what the schema takes, not what it gives
void valibot.publish("message", { text: "hi", at: 1 });
// @ts-expect-error no such event
void valibot.publish("mesage", { text: "hi", at: "1" });
// @ts-expect-error a segment too many
client.join("valibot/a/b");

const arktype = client.join("arktype/a", { presence: {} });
void arktype.publish("message", { text: "hi", at: "1" });
arktype.publish("typing", true);
arktype.on("message", (message) => same<typeof message, Message<{ text: string; at: number }>>());
for (const { state } of arktype.presence.members.values()) same<typeof state, { name: string }>();
same<Awaited<ReturnType<typeof client.request<"arktype.list">>>, string[]>();
void server.publish("arktype/a", "message", { text: "hi", at: "1" });
// @ts-expect-error what goes in is what the schema takes, not what it gives
void arktype.publish("message", { text: "hi", at: 1 });
// @ts-expect-error no such event
void arktype.publish("mesage", { text: "hi", at: "1" });
// @ts-expect-error a segment too many
client.join("arktype/a/b");

server.room("arktype/:room", {
  on: {
    message: ({ payload }) => {
      same<typeof payload, { text: string; at: number }>();
      return { text: payload.text, at: "1" };
    },
  },
});
server.request("arktype.list", ({ payload }) => {
  same<typeof payload, object>();
  return [];
});
void server.user("u1").notify("mentioned", { by: "ada" });
