import { nearest } from "../base/options.ts";
import type { JsonObject } from "./case.ts";
import { isObject } from "./form.ts";
import type { Side } from "./load-cases.ts";

const dial = { token: "text", headers: "object", protocols: "list", path: "text" } as const;

// A build emits each declaration by itself, and so wants a type said that lint finds plain.
/* oxlint-disable typescript/no-unnecessary-type-assertion */
/** The steps of a case for a server. */
export const serverForms = {
  open: { verb: "socket", optional: dial as typeof dial },
  refused: {
    verb: "socket",
    required: { answer: "object" },
    optional: dial as typeof dial,
    check: checkAnswer as typeof checkAnswer,
  },
  http: { verb: "object", required: { answer: "object" }, check: checkHttp as typeof checkHttp },
  hello: {
    verb: "socket",
    optional: {
      as: "session",
      token: "text",
      rooms: "list",
      generation: "whole",
      contract: "any",
      welcome: "object",
    },
  },
  enter: {
    verb: "socket",
    required: { room: "text" },
    optional: {
      as: "session",
      token: "text",
      generation: "whole",
      history: "whole",
      position: "any",
      presence: "any",
      joined: "object",
    },
  },
  send: { verb: "socket", required: { frame: "object" }, optional: { bytes: "whole", fragments: "whole" } },
  sendText: { verb: "socket", required: { text: "text" } },
  sendBytes: { verb: "socket", required: { base64: "text" }, optional: { opcode: "text" } },
  sendRaw: { verb: "socket", required: { base64: "text" } },
  burst: { verb: "socket", required: { times: "whole", frame: "object" }, optional: { from: "whole" } },
  wsPing: { verb: "socket" },
  expect: { verb: "socket", optional: { frame: "object", anyOrder: "list" }, oneOf: ["frame", "anyOrder"] },
  until: { verb: "socket", required: { frame: "object" }, optional: { without: "object" } },
  count: { verb: "socket", required: { frame: "object", times: "whole" } },
  closed: { verb: "socket", required: { code: "any" }, optional: { skipping: "flag" } },
  quiet: { verb: "socket" },
  pong: { verb: "socket" },
  break: { verb: "socket" },
  close: { verb: "socket", required: { code: "whole" } },
  pause: { verb: "socket" },
  resume: { verb: "socket" },
  control: { verb: "object", optional: { answer: "any" }, check: checkControl as typeof checkControl },
} as const;
/* oxlint-enable typescript/no-unnecessary-type-assertion */

/** What the control channel is asked; behind each call the fields that it needs and may have. */
const calls: Readonly<
  Record<string, { readonly needs: readonly string[]; readonly may?: readonly string[] }>
> = {
  publish: { needs: ["room", "event", "payload"], may: ["count"] },
  signal: { needs: ["room", "event", "payload"] },
  notify: { needs: ["user", "event", "payload"] },
  kick: { needs: ["user"] },
  history: { needs: ["room"], may: ["limit"] },
  stats: { needs: [] },
  hold: { needs: ["hook"], may: ["room", "session"] },
  held: { needs: ["hook", "count"], may: ["room", "session"] },
  release: { needs: ["hook"], may: ["room", "session"] },
  outage: { needs: ["on"], may: ["sessions"] },
  deaf: { needs: ["on"] },
  damage: { needs: ["session", "ref"] },
  lose: { needs: [] },
  drain: { needs: [], may: ["spreadMs", "deadlineMs"] },
};

const config = {
  authenticate: 1,
  limits: 1,
  heartbeatMs: 1,
  presenceGraceMs: 1,
  origins: 1,
};

export const serverSide: Side = { name: "server", forms: serverForms, config };

function checkControl(step: JsonObject): string | null {
  const control = step["control"] as JsonObject;
  const { call } = control;
  const known = typeof call === "string" && Object.hasOwn(calls, call) ? calls[call] : undefined;
  if (!known)
    return `the control channel has no call ${nearest(String(call), calls)} Calls are: ${Object.keys(calls).join(", ")}`;
  const names = Object.fromEntries(["call", ...known.needs, ...(known.may ?? [])].map((name) => [name, 1]));
  const strange = Object.keys(control).find((name) => !Object.hasOwn(names, name));
  if (strange !== undefined) return `the call "${String(call)}" has no field ${nearest(strange, names)}`;
  const missing = known.needs.find((name) => !Object.hasOwn(control, name));
  return missing === undefined ? null : `the call "${String(call)}" needs the field "${missing}"`;
}

const httpFields = { method: 1, path: 1, token: 1, headers: 1 };
const answerFields = { status: 1, headers: 1, body: 1 };

function checkHttp(step: JsonObject): string | null {
  return strangeField("http", step["http"], httpFields) ?? checkAnswer(step);
}

function checkAnswer({ answer }: JsonObject): string | null {
  if (isObject(answer) && !Number.isSafeInteger(answer["status"])) return '"answer" needs a "status"';
  return strangeField("answer", answer, answerFields);
}

function strangeField(where: string, given: unknown, known: object): string | null {
  const strange = isObject(given)
    ? Object.keys(given).find((name) => !Object.hasOwn(known, name))
    : undefined;
  return strange === undefined ? null : `"${where}" has no field ${nearest(strange, known)}`;
}
