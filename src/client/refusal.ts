import type { RefusalBody } from "../protocol/frames.ts";
import type { Refusal } from "./socket.ts";

const askTimeoutMs = 5000;
/** Whoever asks for a longer wait is not believed. */
const retryAfterSecondsMax = 3600;

/** Asks a server why it let no socket open. Rejects when nothing answers. */
export function askInPage(url: string, headers: Record<string, string>): Promise<Refusal> {
  return askByHttp(url, headers, AbortSignal.timeout(askTimeoutMs));
}

/** Asks by a GET of the same address. Rejects when nothing answers. */
export async function askByHttp(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Refusal> {
  return readRefusal(await fetch(url.replace(/^ws/, "http"), { headers, credentials: "include", signal }));
}

/** What an answer to an upgrade, or to the question about one, says. */
export async function readRefusal(response: Response): Promise<Refusal> {
  const { status } = response;
  // A proxy's own page is no JSON.
  const body = (await response.json().catch(() => null)) as Partial<RefusalBody> | null;
  const {
    code = `HTTP_${status}`,
    message = `the server answered ${status}, and is no Bowline: check the option "url", and proxies`,
  } = body ?? {};
  // A date is possible as well; it is passed over, and the usual wait applies.
  const seconds = Number(response.headers.get("retry-after"));
  const retryAfterMs = seconds > 0 ? Math.min(seconds, retryAfterSecondsMax) * 1000 : 0;
  return { status, code, message, retryAfterMs };
}
