import { nearest } from "../base/options.ts";
import type { JsonObject } from "./case.ts";
import { isObject } from "./form.ts";
import type { Side } from "./load-cases.ts";

const dial = { token: "text", headers: "object", protocols: "list", path: "text" } as const;
const answer = { status: "whole", headers: "object", body: "any" } as const;

// A build emits each declaration by itself, and so wants a type said that lint finds plain.
/* oxlint-disable typescript/no-unnecessary-type-assertion */
/** The steps of a case for a server. */
export const serverForms = {
  open: { verb: "socket", optional: dial as typeof dial },
  refused: {
    verb: "socket",
    required: { status: "whole" },
    optional: { ...dial, ...answer } as typeof dial & typeof answer,
  },
  http: {
    verb: "object",
    required: { status: "whole" },
    optional: answer as typeof answer,
    check: checkHttp as typeof checkHttp,
  },
  hello: {
    verb: "socket",
    optional: {
      as: "session",
      token: "text",
      rooms: "list",
      generation: "any",
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
  burst: { verb: "socket", required: { count: "whole", frame: "object" }, optional: { from: "whole" } },
  wsPing: { verb: "socket" },
  expect: { verb: "socket", optional: { frame: "object", anyOrder: "list" }, oneOf: ["frame", "anyOrder"] },
  until: { verb: "socket", required: { frame: "object" } },
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
  hold: { needs: ["hook", "room"] },
  held: { needs: ["hook", "room", "count"] },
  release: { needs: ["hook", "room"] },
  outage: { needs: ["on"] },
  lose: { needs: [] },
  drain: { needs: [], may: ["spreadMs", "deadlineMs"] },
};

const config = {
  authenticate: 1,
  limits: 1,
  heartbeatMs: 1,
  presenceGraceMs: 1,
  origins: 1,
  path: 1,
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

const httpFields = { method: 1, path: 1, token: 1, headers: 1, body: 1 };

function checkHttp(step: JsonObject): string | null {
  const http = step["http"];
  if (!isObject(http)) return null;
  const strange = Object.keys(http).find((name) => !Object.hasOwn(httpFields, name));
  return strange === undefined ? null : `"http" has no field ${nearest(strange, httpFields)}`;
}
