/** What the chat's processes print. Here things are broken on purpose, so a lost broker is one line, and no stack of calls. */
import type { Logger } from "bowline/server";

/** The logger of a chat's server: each line says which process it is of. */
export const log: Logger = {
  warn: (_fields, text) => console.warn(lineOf(text)),
  error: (fields, text) => {
    const { stage, err } = fields as { readonly stage?: string; readonly err?: { readonly stack?: string } };
    console.error(stage === "broker" ? lineOf(text) : `${lineOf(text)}\n${err?.stack ?? ""}`);
  },
};

/** Ends a process that can't start. */
export function giveUp(error: unknown): never {
  console.error(messageOf(error));
  process.exit(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lineOf(text: string): string {
  return `bowline: ${text} (process ${process.pid})`;
}
