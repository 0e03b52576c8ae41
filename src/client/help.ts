import { checkOptions } from "../base/options.ts";
import { clientErrorTexts, type ClientErrorName } from "../protocol/codes.ts";
import { stateLevelsMax, toJson } from "../protocol/payload.ts";
import type { ClientOptions } from "./client-types.ts";
import type { JoinOptions } from "./join-options.ts";

/*
 * What helps those who write an application, and what users of it need not load. The package's `imports` give builds for
 * production help.production.ts in its place, as the condition `production` of their bundler asks for.
 */

export { checkOptions } from "../base/options.ts";
export { toJson } from "../protocol/payload.ts";
export { callSites } from "./call-site.ts";
export { tellContract, withContract } from "./contract-check.ts";
export { noteJoined, noteRefusal, noteStatus } from "./notices.ts";

/** What stands behind the names says nothing. */
const optionNames: Record<keyof ClientOptions, unknown> = {
  url: 0,
  token: 0,
  user: 0,
  store: 0,
  WebSocket: 0,
  outbox: 0,
  connect: 0,
  onError: 0,
  log: 0,
  transport: 0,
  clock: 0,
  random: 0,
};

/** What an application may get wrong, beside options. */
type Misuse = "json" | "option" | "url" | "room" | "event" | "request" | "joined" | "text";

const misuses: Record<Misuse, (...of: readonly (string | number)[]) => string> = {
  json: (type) => `JSON can't hold a ${type}`,
  option: (name) => `unknown option "${name}"`,
  url: (url) => `url must be like "wss://example.com/bowline", or in a page a path, not ${url}`,
  room: (name) => `no room pattern of the contract fits "${name}"`,
  event: (room, event) => `"${room}" has no event "${event}"`,
  request: (name) => `the contract has no request "${name}"`,
  joined: (room) =>
    `"${room}" is joined already: only the first join can ask for so much history, or a position`,
  text: (name, bytesMax, given) =>
    `${name} must be a string of at most ${bytesMax} bytes, not ${given === "string" ? "a longer one" : given}`,
};

/** What an application has got wrong. `of` says about it what the text needs. */
export function misuse(about: Misuse, ...of: readonly (string | number)[]): TypeError {
  return new TypeError(misuses[about](...of));
}

/** What an error code of this client means, and what to do. */
export function textOf(code: ClientErrorName): string {
  return clientErrorTexts[code];
}

/** Why a client waits, as its status says it, or what took too long. */
const reasons = {
  UNREACHABLE: `the server can't be reached: is it running, and the option "url" right?`,
  NO_TOKEN: "no token",
  TOKEN_TIMEOUT: "the token source gave no token in time",
  NO_SOCKET: "no socket",
  STORE_FAILED: "the store failed",
  STORE_TIMEOUT: "the store took over a minute",
  SENDING_FAILED: "sending failed",
  TIMEOUT: "no answer in time",
  BAD_FRAME: "no frame",
  HEARTBEAT_LOST: "nothing was heard for two heartbeats",
  HOLE: "a hole in",
  SESSION_MISMATCH: "another user",
} as const;

/** What a close without a reason of its own is told as. */
export function closeText(code: number, _name: string): string {
  return `closed with ${code}`;
}

/** The text of a reason. */
export function reasonOf(reason: keyof typeof reasons): string {
  return reasons[reason];
}

/** Throws a `TypeError` on options of a client that are none. `others` are those among them that have no such name. */
export function checkClientOptions(options: ClientOptions, _others: object): void {
  checkOptions("createClient", options, optionNames);
}

/** Throws a `TypeError` on options that are none. A server would refuse them as well. */
export function checkJoinOptions(options: JoinOptions): void {
  checkOptions<JoinOptions>("join", options, { history: 0, position: 0, presence: 0 });
  const { history = 0, position } = options;
  if (!isCount(history)) throw new TypeError(`history must be a whole number from 0, not ${history}`);
  if (position && !(isCount(position.offset) && typeof position.epoch === "string"))
    throw new TypeError("position must be that of a room or message");
}

/** A presence state as JSON; throws what `toJson` throws. */
export function stateToJson(state: unknown): string {
  return toJson(state, stateLevelsMax);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
