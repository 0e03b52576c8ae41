import { nearest } from "../../base/options.ts";
import type { JsonObject } from "../case.ts";
import type { Side } from "../load-cases.ts";

/** What a client driver is told to do, and the fields it may be given. Where the client lacks it, its tag skips the case. */
const commands: Readonly<Record<string, readonly string[]>> = {
  connect: ["token", "user", "store", "chance", "untold"],
  again: [],
  join: ["room", "history", "position", "presence"],
  leave: ["room"],
  publish: ["id", "room", "event", "payload", "unwritable"],
  request: ["id", "request", "payload", "timeoutMs"],
  signal: ["room", "event", "payload"],
  presence: ["room", "payload"],
  token: ["token"],
  wake: [],
  close: [],
};

// A build emits each declaration by itself, and so wants a type said that lint finds plain.
/* oxlint-disable typescript/no-unnecessary-type-assertion */
/** The steps of a case for a client. spec/CONFORMANCE.md says what each does. */
export const clientForms = {
  do: { verb: "object", optional: { fails: "object" }, check: checkDo as typeof checkDo },
  start: {
    verb: "socket",
    optional: { with: "object", request: "object", frame: "object", welcome: "object" },
    check: checkStart as typeof checkStart,
  },
  accept: { verb: "socket", optional: { request: "object", pings: "flag" } },
  refuse: { verb: "object", required: { answer: "object" }, check: checkAnswer as typeof checkAnswer },
  cut: { verb: "object" },
  asked: { verb: "object", optional: { answer: "object" }, check: checkAnswer as typeof checkAnswer },
  hello: { verb: "socket", optional: { frame: "object", welcome: "object", silent: "flag" } },
  back: { verb: "socket", optional: { request: "object", frame: "object", welcome: "object" } },
  enter: { verb: "socket", required: { room: "text" }, optional: { options: "object", joined: "object" } },
  expect: { verb: "socket", optional: { frame: "object", anyOrder: "list" }, oneOf: ["frame", "anyOrder"] },
  send: { verb: "socket", required: { frame: "object" } },
  sendText: { verb: "socket", required: { text: "text" } },
  sendBytes: { verb: "socket", required: { base64: "text" } },
  closed: { verb: "socket", optional: { code: "any" } },
  close: { verb: "socket", required: { code: "whole" }, optional: { reason: "text" } },
  break: { verb: "socket" },
  quiet: { verb: "socket" },
  pong: { verb: "socket" },
  wsPing: { verb: "socket" },
  told: { verb: "object", check: checkLine as typeof checkLine },
  until: { verb: "object", check: checkLine as typeof checkLine },
  never: { verb: "text", check: checkLine as typeof checkLine },
  advance: { verb: "any" },
  noDial: { verb: "whole" },
  restart: { verb: "flag" },
} as const;
/* oxlint-enable typescript/no-unnecessary-type-assertion */

/** The client's side of the protocol, for the loader of cases. */
export const clientSide: Side = { name: "client", forms: clientForms, config: {} };

/** What a client driver tells. */
const lines = {
  status: 1,
  joined: 1,
  left: 1,
  refused: 1,
  event: 1,
  gap: 1,
  signal: 1,
  presence: 1,
  settled: 1,
} as const;

function checkStart({ with: given = {} }: JsonObject): string | null {
  return commandProblem({ do: "connect", ...(given as JsonObject) });
}

function checkDo({ do: command }: JsonObject): string | null {
  return commandProblem(command as JsonObject);
}

function commandProblem({ do: name, ...fields }: JsonObject): string | null {
  const known = Object.entries(commands).find(([it]) => it === name)?.[1];
  if (!known)
    return `no command ${nearest(String(name), commands)} Commands are: ${Object.keys(commands).join(", ")}`;
  const strange = Object.keys(fields).find((field) => !known.includes(field));
  if (strange === undefined) return null;
  return `the command "${String(name)}" has no field "${strange}". Fields are: ${known.join(", ") || "none"}`;
}

function checkAnswer({ answer = { status: 0 } }: JsonObject): string | null {
  const known = { status: 1, headers: 1, body: 1, text: 1 };
  const given = answer as JsonObject;
  const strange = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (strange !== undefined)
    return `"answer" has no field ${nearest(strange, known)} Fields are: ${Object.keys(known).join(", ")}`;
  return Number.isSafeInteger(given["status"]) ? null : '"answer" needs a "status"';
}

function checkLine({ told, until, never }: JsonObject): string | null {
  const tell = never ?? ((told ?? until) as JsonObject)["tell"];
  if (typeof tell === "string" && Object.hasOwn(lines, tell)) return null;
  return `nothing is told as ${nearest(String(tell), lines)} Told are: ${Object.keys(lines).join(", ")}`;
}
