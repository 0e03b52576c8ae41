import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

const head = `
import { contract, event, request, room, signal } from "bowline";
import type { Client } from "bowline/client";
import type { Server } from "bowline/server";
import * as z from "zod";

const text = z.object({ text: z.string() });
const _chat = contract({
  rooms: {
    "chat/:room": room({
      events: {
        message: event(text),
        typing: signal(text),
        notice: event(text, { from: "server" }),
        pulse: signal(text, { from: "server" }),
      },
      presence: text,
    }),
    "game/:game": room({ events: { move: event(text) } }),
  },
  inbox: { mentioned: event(text), invited: event(text) },
  requests: {
    "rooms.list": request({ input: text, output: text }),
    "rooms.open": request({ input: text, output: text }),
  },
});
declare const client: Client<typeof _chat>;
declare const server: Server<typeof _chat>;
const lobby = client.join("chat/lobby");
`;

/** What TypeScript is to say of each: that it is not one of these. */
const mistakes = {
  'lobby.publish("x", { text: "" });': '"message" | "typing"',
  'lobby.on("x", () => {});': '"message" | "notice" | "pulse" | "typing"',
  'client.publish("game/a", "x", { text: "" });': '"move"',
  'client.publish("chat/a", "x", { text: "" });': '"message"',
  'client.request("x", { text: "" });': '"rooms.list" | "rooms.open"',
  'client.join("x");': "`chat/${string}` | `game/${string}` | `inbox/${string}`",
  'client.join("chat/a/b");': '"no room pattern of the contract fits this name"',
  'server.publish("chat/a", "x", { text: "" });': '"message" | "notice"',
  'server.signal("chat/a", "x", { text: "" });': '"pulse" | "typing"',
  'server.history("chat/a/b");': '"no room pattern of the contract fits this name"',
  'server.user("a").notify("x", { text: "" });': '"invited" | "mentioned"',
  'server.room("x", {});': '"chat/:room" | "game/:game" | "inbox/:user"',
  'server.request("x", () => ({ text: "" }));': '"rooms.list" | "rooms.open"',
};

// In an alias, TypeScript shows the contract that it was made of, whole.
test("an error about a name lists the names there are, and nothing more", { timeout: 60_000 }, () => {
  const lines = Object.keys(mistakes);
  const output = compile(`${head}${lines.map((line) => `void ${line}`).join("\n")}\n`);
  const first = head.split("\n").length;
  for (const [index, line] of lines.entries()) {
    const said = new RegExp(`\\(${first + index},\\d+\\): error (.*)`).exec(output)?.[1] ?? "no error";
    const wanted = mistakes[line as keyof typeof mistakes];
    const [, types] = /is not assignable to parameter of type '(.*)'\./.exec(said) ?? [];
    expect.soft(types?.split(" | ").toSorted().join(" | ") ?? said, line).toBe(wanted);
  }
});

function compile(source: string): string {
  const folder = join(root, ".cache/type-errors");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "page.ts"), source);
  const config = { extends: "../../tsconfig.json", files: ["page.ts"], include: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    cwd: root,
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  return `${stdout}${stderr}`;
}
