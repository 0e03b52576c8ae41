import { redact } from "./options.ts";

/** Says what is wrong with the address, and what to do about it. */
export function startError(url: URL, error: Error): Error {
  const isForeign = /RESP type|Protocol error/.test(error.message);
  const reason = isForeign ? "what answers there is no Redis" : error.message;
  return new Error(
    `redis broker: option "url" (${redact(url)}) can't be used: ${reason}${adviceOn(reason)}`,
    {
      cause: error,
    },
  );
}

function adviceOn(reason: string): string {
  if (/^it |its /.test(reason)) return "";
  if (reason.startsWith("NOPERM")) return "; allow it that (ACL SETUSER)";
  return "; check the address and the password, and that Redis is running";
}
