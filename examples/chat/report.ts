/** What the chat's processes print when something breaks. Here it is broken on purpose, so a lost broker is one line. */

/** For a server's `onError`. */
export function report(error: unknown, { stage }: { readonly stage: string }): void {
  console.error(`bowline: ${stage}:`, stage === "broker" ? messageOf(error) : error);
}

/** Ends a process that can't start. */
export function giveUp(error: unknown): never {
  console.error(messageOf(error));
  process.exit(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
