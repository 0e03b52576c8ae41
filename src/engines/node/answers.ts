import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { errorCodes } from "../../protocol/codes.ts";
import type { RefusalBody } from "../../protocol/frames.ts";
import type { Refused } from "../../server/engine.ts";

/** How much of a path is told back. */
const pathLengthShown = 300;

/** What an upgrade that would be let in is told, when it comes as a plain GET. */
export const upgradeRequired: Refused = refusal(426, "UPGRADE_REQUIRED");
export const notStarted: Refused = refusal(503, "UNAVAILABLE", "the server could not be started");

/** What a request is told whose method asks nothing that there is an answer to. */
export const wrongMethod: Refused = refusal(
  405,
  "UPGRADE_REQUIRED",
  "ask with GET, and connect with WebSocket",
);

const noStore = { "cache-control": "no-store" };

/** What there is to say where nobody listens; `paths` are those of the servers here. */
export function unknownPath({ url = "" }: IncomingMessage, paths: readonly string[]): Refused {
  const asked = JSON.stringify(url.replace(/\?.*/, "").slice(0, pathLengthShown));
  const served = paths.map((path) => JSON.stringify(path)).join(" or ");
  return refusal(404, "NOT_FOUND", `nothing listens on ${asked}: clients connect to ${served}`);
}

/**
 * Answers a request, so that a page of any origin can read it: it says the same to each that may not connect, before
 * anybody is asked who they are. To name the origin and allow credentials is what a browser asks for where the cookies of
 * one that may connect count.
 */
export function answer(request: IncomingMessage, response: ServerResponse, refused: Refused): void {
  // Somebody else has answered it: it is left as it is.
  if (response.headersSent) return;
  const { origin } = request.headers;
  const headers = {
    ...answerHeaders(refused),
    ...(refused === wrongMethod && { allow: "GET, HEAD, OPTIONS" }),
    ...(origin !== undefined && corsHeaders(origin)),
  };
  response.writeHead(refused.status, headers).end(answerBody(refused));
}

/** Answers the question of a browser whether it may ask. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(204, { ...noStore, ...corsHeaders(request.headers.origin ?? "*") }).end();
}

/** Answers an upgrade, and ends its stream. */
export function refuseUpgrade(
  stream: Duplex,
  refused: Refused,
  more: Readonly<Record<string, string>> = {},
): void {
  const body = answerBody(refused);
  const headers = {
    ...answerHeaders(refused),
    ...more,
    connection: "close",
    "content-length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // Not left to the other end to close: one that never does would hold its descriptor, and the end of the process.
  stream.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status] ?? ""}\r\n${lines.join("")}\r\n${body}`,
    () => stream.destroy(),
  );
}

/** A refusal with a code of the table, whose text says enough unless there is more to say. */
export function refusal(status: number, code: keyof typeof errorCodes, message?: string): Refused {
  return { ok: false, status, code, message: message ?? errorCodes[code].text };
}

function corsHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "authorization",
    "access-control-expose-headers": "retry-after",
    vary: "origin",
  };
}

function answerHeaders({ retryAfterSeconds }: Refused): Record<string, string> {
  return {
    "content-type": "application/json; charset=utf-8",
    ...noStore,
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
}

function answerBody({ code, message }: Refused): string {
  return JSON.stringify({ code, message } satisfies RefusalBody);
}
