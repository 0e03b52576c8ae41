/** What the chat's processes print when something breaks. Here it is broken on purpose, so a lost broker is one line. */
import type { ErrorInfo } from "bowline/server";

/** For a server's `onError`. */
export function report(error: unknown, { stage, node }: ErrorInfo): void {
  console.error(
    `bowline: ${stage} (node ${node}, process ${process.pid}):`,
    stage === "broker" ? messageOf(error) : error,
  );
}

/** Ends a process that can't start. */
export function giveUp(error: unknown): never {
  console.error(messageOf(error));
  process.exit(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
