/** Why the server refused something, as a sentence. */
import type { BowlineError } from "bowline/client";

export const goneText = "This room is gone.";

export function reasonText({ code, message }: BowlineError): string {
  // All that this chat's server forbids is a room that it does not have.
  if (code === "FORBIDDEN") return goneText;
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return sentence.endsWith(".") ? sentence : `${sentence}.`;
}
