import type { IncomingMessage } from "node:http";

/** What is wrong with an upgrade request, and how to say so. */
export interface HandshakeFlaw {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const versions: readonly (string | undefined)[] = ["13", "8"];
/** 16 bytes in base64. */
const keyPattern = /^[+/0-9A-Za-z]{22}==$/;
/** Tokens of RFC 9110, section 5.6.2, with commas between them. */
const tokensPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;

/** Why an upgrade request is no WebSocket handshake (RFC 6455, section 4.2.1); null if it is one. */
export function handshakeFlaw({ method = "", headers }: IncomingMessage): HandshakeFlaw | null {
  const { upgrade = "" } = headers;
  if (method !== "GET")
    return { status: 405, message: `the method must be GET, not ${method}`, headers: { allow: "GET" } };
  if (upgrade.toLowerCase() !== "websocket")
    return flaw(`the header Upgrade must be "websocket", not "${upgrade}"`);
  if (!keyPattern.test(headers["sec-websocket-key"] ?? ""))
    return flaw("the header Sec-WebSocket-Key must be 16 bytes in base64");
  if (!versions.includes(headers["sec-websocket-version"]))
    return {
      ...flaw("the header Sec-WebSocket-Version must be 13"),
      headers: { "sec-websocket-version": "13" },
    };
  const offered = headers["sec-websocket-protocol"];
  if (offered !== undefined && !isTokenList(offered))
    return flaw("the header Sec-WebSocket-Protocol must be a list of different tokens, none of them empty");
  return null;
}

function flaw(message: string): HandshakeFlaw {
  return { status: 400, message };
}

function isTokenList(text: string): boolean {
  if (!tokensPattern.test(text)) return false;
  if (!text.includes(",")) return true;
  const tokens = text.split(/[ \t]*,[ \t]*/);
  return new Set(tokens).size === tokens.length;
}
