/**
 * Runs in each runtime: tries what a client may meet, prints what came of it as JSON, and ends by itself once its last
 * client is closed. Arguments: `own` or `ws`, the addresses as JSON, and whether to close one whose server is frozen.
 */
import { createClient, type Client, type ClientOptions, type Status } from "bowline/client";
import type { WebSocketClass } from "bowline/client";
import { runtimes } from "./runtimes.contract.ts";

export interface Addresses {
  readonly server: string;
  readonly closed: string;
  readonly behindPassword: string;
}

/** A state, and the code or reason that came with it. */
export type Outcome = readonly [state: string, why: string | null];

const [which, addresses, freezes] = process.argv.slice(2) as [string, string, string];
const { server, closed, behindPassword } = JSON.parse(addresses) as Addresses;
const given =
  which === "ws" ? { WebSocket: (await import("ws")).WebSocket as unknown as WebSocketClass } : {};

function connect(url: string, options: Partial<ClientOptions> = {}): Client<typeof runtimes> {
  const random = { float: () => 0, id: (length: number) => crypto.randomUUID().slice(0, length) };
  return createClient(runtimes, { url, token: "ann", random, log: false, ...given, ...options });
}

async function reached(
  client: Client<typeof runtimes>,
  ...states: readonly Status["state"][]
): Promise<Outcome> {
  const status = await new Promise<Status>((resolve) => {
    const look = (now: Status): void => {
      if (!states.includes(now.state)) return;
      undo();
      resolve(now);
    };
    const undo = client.onStatus(look);
    look(client.status);
  });
  if (status.state === "waiting") return [status.state, status.reason];
  return [status.state, status.state === "closed" ? (status.error?.code ?? null) : null];
}

/** How a client ends that never opens; it is closed after that. */
async function refusal(url: string, options: Partial<ClientOptions> = {}): Promise<Outcome> {
  const client = connect(url, options);
  const outcome = await reached(client, "waiting", "closed");
  client.close();
  return outcome;
}

/** The states of a client whose line breaks while it is open. */
async function cutOff(): Promise<readonly string[]> {
  const client = connect(server);
  await reached(client, "open");
  const states: string[] = [];
  client.onStatus(({ state }) => states.push(state));
  // Answered over the next line: the server has kept the answer.
  await client.request("cut", null);
  client.close();
  return states;
}

/** Closes a client whose server does not answer any more. Nothing but its socket may hold the process then. */
async function freeze(): Promise<void> {
  const client = connect(server);
  await reached(client, "open");
  const code = await client
    .request("freeze", null, { timeoutMs: 200 })
    .catch((error: { code: string }) => error.code);
  const closedMs = performance.now();
  process.on("exit", () =>
    console.log(JSON.stringify({ frozen: code, endedAfterMs: performance.now() - closedMs })),
  );
  client.close();
}

const outcomes = {
  refused: await refusal(closed),
  unauthorized: await refusal(server, { token: "wrong" }),
  forbidden: await refusal(server, { token: "banned" }),
  password: await refusal(behindPassword),
  cut: await cutOff(),
};
console.log(JSON.stringify(outcomes));
if (freezes === "true") await freeze();
