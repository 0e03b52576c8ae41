/**
 * The server under test: what `npm run conformance` starts by default, and the model for servers in other languages. It
 * serves the fixed contract, prints its port, and lets itself be steered over HTTP. spec/CONFORMANCE.md says what each hook
 * and call has to do.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { serve } from "bowline/node";
import { BowlineError, createServer, type ServerOptions } from "bowline/server";
import { brokerMaker, type BrokerConfig } from "./brokers.ts";
import { conformanceContract } from "./contract.ts";
import { Holds } from "./holds.ts";
import { SwitchedBroker } from "./switched-broker.ts";
import { authenticate } from "./users.ts";

/** What the runner starts it with. */
interface Config
  extends Pick<ServerOptions, "limits" | "heartbeatMs" | "presenceGraceMs" | "origins">, BrokerConfig {
  /** 0 is any that is free. */
  readonly port?: number;
  /** False: nobody is judged, and each session is a user of its own. */
  readonly authenticate?: boolean;
}

/** How clients are sent away at SIGTERM. */
const drainOptions = { spreadMs: 500, deadlineMs: 4000 };

const {
  broker,
  leaseMs,
  sessionTtlMs,
  port: wanted = 0,
  authenticate: judges = true,
  ...options
} = JSON.parse(process.env["BOWLINE_CONFORMANCE"] ?? '{"broker":"memory"}') as Config;
const holds = new Holds();
const sums = new Map<string, number>();
const switched = new SwitchedBroker(await brokerMaker({ broker, leaseMs, sessionTtlMs }), (session) =>
  holds.pass("session", session),
);

const server = createServer(conformanceContract, {
  ...options,
  ...(judges && { authenticate }),
  broker: switched.broker,
  logger: false,
  onError: () => {},
});

server.room("chat/:room", {
  async join({ room }) {
    await holds.pass("join", room);
    return true;
  },
  on: {
    async message({ room, payload }) {
      await holds.pass("message", room);
      if (payload.text.includes("http")) throw new BowlineError("no_links", "links are not welcome here");
      return payload.text.includes("shout") ? { text: payload.text.toUpperCase() } : payload;
    },
  },
});
server.room("staff/:room", { join: ({ user }) => user.id.startsWith("boss") });

server.request("add", ({ payload: { room, by } }) => ({ sum: add(`add ${room}`, by) }));
server.request("count", ({ payload: { room } }) => ({ runs: add(`count ${room}`, 1) }));
server.request("slow", async ({ payload: { room } }) => {
  await holds.pass("slow", room);
  return { runs: add(`slow ${room}`, 1) };
});
server.request("large", ({ payload: { length } }) => ({ text: "x".repeat(length) }));
server.request("refuse", ({ refuse, payload: { room } }) => {
  throw refuse("no_links", `refused ${add(`refuse ${room}`, 1)} times`);
});
server.request("fail", () => {
  throw new Error("a fault of the application's own");
});

/** What the control channel may be asked. */
interface Call {
  readonly call: string;
  readonly room: string;
  readonly session?: string;
  readonly event: string;
  readonly payload: { readonly text: string };
  readonly count?: number;
  readonly user: string;
  readonly hook: string;
  readonly on: boolean;
  readonly sessions?: boolean;
  readonly ref?: number;
  readonly limit?: number;
  readonly spreadMs?: number;
  readonly deadlineMs?: number;
}

/** What each call does; what it resolves with is the answer. */
const calls: Readonly<Record<string, (call: Call) => unknown>> = {
  publish: ({ room, event, payload, count = 1 }) => publish(room, event, payload, count),
  signal: async ({ room, event, payload }) => server.signal(chat(room), event as "alarm", payload),
  notify: async ({ user, event, payload }) => ({
    position: await server.user(user).notify(event as "mention", payload),
  }),
  kick: ({ user }) => server.user(user).disconnect(),
  history: async ({ room, limit }) => ({
    publications: await server.history(chat(room), limit === undefined ? {} : { limit }),
  }),
  stats: () => server.stats(),
  hold: ({ hook, room, session = room }) => holds.hold(hook, session),
  held: ({ hook, room, session = room, count = 1 }) => holds.held(hook, session, count),
  release: ({ hook, room, session = room }) => holds.release(hook, session),
  outage: ({ on, sessions = false }) => switched.setAway(on, sessions),
  deaf: ({ on }) => switched.setDeaf(on),
  damage: ({ session = "", ref = 0 }) => switched.damage(session, ref),
  lose: () => switched.lose(),
  // Answered when it has begun: it ends when the clients are gone.
  drain: ({ spreadMs = 0, deadlineMs = 10_000 }) => void server.drain({ spreadMs, deadlineMs }),
};

const { port } = await serve(server, {
  port: wanted,
  host: "127.0.0.1",
  signals: false,
  handler: answerControl,
});
process.stdout.write(`${JSON.stringify({ port })}\n`);
// The runner holds it open: it ends with the runner.
process.stdin.on("end", () => process.exit(0)).resume();
process.once("SIGTERM", () => void server.drain(drainOptions).then(() => process.exit(0)));

function answerControl(request: IncomingMessage, response: ServerResponse): void {
  const end = (status: number, answer: object): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  };
  const { method, url } = request;
  if (url !== "/control" || method !== "POST") {
    const message = `nothing listens on ${url}: clients connect to ${server.gate.path}`;
    return end(404, { code: "NOT_FOUND", message });
  }
  readBody(request)
    .then(async (body) => {
      const call = JSON.parse(body) as Call;
      const answer = await calls[call.call]?.(call);
      end(calls[call.call] ? 200 : 400, answer ?? {});
    })
    .catch((error: unknown) => end(200, { error: error instanceof BowlineError ? error : String(error) }));
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Publishes as the server, as often as asked, with the number of each in the place of `${i}`. */
async function publish(
  room: string,
  event: string,
  payload: Call["payload"],
  count: number,
): Promise<object> {
  let position: object = {};
  for (let index = 1; index <= count; index += 1) {
    const text = payload.text.replaceAll("${i}", String(index));
    position = await server.publish(chat(room), event as "note", { ...payload, text });
    // Connections have their turn in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { position };
}

/** Any name may be asked for: what fits no pattern is the server's to refuse. */
function chat(room: string): `chat/${string}` {
  return room as `chat/${string}`;
}

function add(key: string, by: number): number {
  const sum = (sums.get(key) ?? 0) + by;
  sums.set(key, sum);
  return sum;
}
