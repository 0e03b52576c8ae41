import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { contract, event, request, room } from "bowline";
import { serve } from "bowline/node";
import { createServer, type Server } from "bowline/server";
import { closeCodes, decodeClientFrame, jsonSubprotocol } from "bowline/protocol";

const page = readFileSync(new URL("../../spec/PROTOCOL.md", import.meta.url), "utf8");
const sessions = [...page.matchAll(/^### (.+)\n(?:(?!^#)[\s\S])*?^```session\n([\s\S]*?)^```/gm)].map(
  ([, title = "", text = ""]) => [title, text.trim().split("\n")] as const,
);

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.object({ text: z.string().min(1) })) },
      history: { count: 3 },
    }),
  },
  requests: { "rooms.list": request({ input: z.object({}), output: z.array(z.string()) }) },
});

let server: Pick<Server, "close"> | null = null;
const sockets = new Map<string, TestSocket>();

afterEach(async () => {
  for (const socket of sockets.values()) await socket.close();
  sockets.clear();
  await server?.close();
  server = null;
});

test("PROTOCOL.md has its example sessions", () => {
  expect(sessions.map(([title]) => title)).toEqual([
    "First connect",
    "Resume",
    "Gap",
    "Take-over",
    "Request retry",
  ]);
});

test.each(sessions)("the example session %s is what the server does", async (_title, lines) => {
  let runs = 0;
  const started = createServer(chat, { logger: false }).request("rooms.list", () => {
    runs += 1;
    return ["lobby"];
  });
  server = started;
  const { url } = await serve(started, { port: 0, signals: false });
  const epochs = new Map<string, string>();

  for (const line of orderFree(lines)) {
    const [, name = "", sign, rest = ""] = /^(?:([A-Z]) )?([→←✕]) ?(.*)$/.exec(line) ?? [];
    if (sign === "✕") await socketOf(name).close();
    else if (sign === "→") {
      const frame = JSON.stringify(withEpochs(decodeClientFrame(rest), epochs));
      if (rest.startsWith('{"type":"hello"')) sockets.set(name, await TestSocket.open(url));
      socketOf(name).send(frame);
    } else if (rest.startsWith("close ")) {
      expect(await socketOf(name).next(), line).toBe(rest);
    } else {
      expect(sign, line).toBe("←");
      await expectFrames(socketOf(name), rest.split(either), epochs);
    }
  }
  expect(runs).toBeLessThanOrEqual(1);
});

/** Stands between frames of one line that come in either order. */
const either = " or ";

/** Puts an `ack` and the `event` that follows it on one line: a server sends them in either order. */
function orderFree(lines: readonly string[]): string[] {
  const text = lines.join("\n");
  return text
    .replaceAll(/(← \{"type":"ack".*)\n(?:[A-Z] )?← (\{"type":"event")/g, `$1${either}$2`)
    .split("\n");
}

/** Takes as many frames as are expected, in whatever order they come. */
async function expectFrames(
  socket: TestSocket,
  texts: readonly string[],
  epochs: Map<string, string>,
): Promise<void> {
  const typeOf = (frame: unknown): string => (frame as { type: string }).type;
  const byType = (a: unknown, b: unknown): number => typeOf(a).localeCompare(typeOf(b));
  const expected = texts.map((text) => JSON.parse(text) as unknown).toSorted(byType);
  const received: unknown[] = [];
  for (const _ of texts) received.push(JSON.parse(await socket.next()));
  received.sort(byType);
  learnEpochs(expected, received, epochs);
  expect(withoutTimes(received)).toEqual(withoutTimes(withEpochs(expected, epochs)));
}

function socketOf(name: string): TestSocket {
  const socket = sockets.get(name);
  if (!socket) throw new Error(`no hello opened socket "${name}"`);
  return socket;
}

/** A plain WebSocket whose messages, and then `close <code>`, are taken one by one. */
class TestSocket {
  readonly #ws: WebSocket;
  readonly #received: string[] = [];
  #wake: () => void = () => {};

  static async open(url: string): Promise<TestSocket> {
    const ws = new WebSocket(url, [jsonSubprotocol]);
    const socket = new TestSocket(ws);
    await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
    return socket;
  }

  constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data: Buffer) => this.#push(data.toString()));
    ws.on("close", (code) => this.#push(`close ${code}`));
  }

  send(text: string): void {
    this.#ws.send(text);
  }

  async next(): Promise<string> {
    while (this.#received.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#received.shift() as string;
  }

  /** Closes; the server has handled everything that was sent when this resolves. */
  async close(): Promise<void> {
    if (this.#ws.readyState === WebSocket.CLOSED) return;
    this.#ws.close(closeCodes.NORMAL.code);
    await new Promise((resolve) => this.#ws.once("close", resolve));
  }

  #push(text: string): void {
    this.#received.push(text);
    this.#wake();
  }
}

/** Epochs are drawn anew each time: notes which one the page's stands for. */
function learnEpochs(expected: unknown, received: unknown, epochs: Map<string, string>): void {
  if (typeof expected !== "object" || !expected || typeof received !== "object" || !received) return;
  for (const [key, value] of Object.entries(expected)) {
    const actual = (received as Record<string, unknown>)[key];
    if ((key === "epoch" || key === "ledger") && !epochs.has(value as string))
      epochs.set(value as string, actual as string);
    learnEpochs(value, actual, epochs);
  }
}

function withEpochs(frame: unknown, epochs: ReadonlyMap<string, string>): unknown {
  return mapValues(frame, (key, value) =>
    key === "epoch" || key === "ledger" ? epochs.get(value as string) : value,
  );
}

function withoutTimes(frame: unknown): unknown {
  return mapValues(frame, (key, value) => (key === "at" ? typeof value : value));
}

function mapValues(value: unknown, map: (key: string, value: unknown) => unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => map(key, inner)));
}
