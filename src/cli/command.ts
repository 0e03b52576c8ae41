/** Where a command reads from and writes to. */
export interface Terminal {
  /** Writes to the standard output, as it is. */
  readonly out: (text: string) => void;
  /** Writes a line for people to the standard error. */
  readonly say: (line: string) => void;
  /** Folder that relative paths start from. */
  readonly folder: string;
}

/** A command of `bowline`. Each has a file of its own, which is loaded when it is called. */
export interface Command {
  /** What stands behind `bowline`, for people: `export contract FILE [options]`. */
  readonly usage: string;
  /** What `bowline help` says of it beyond the usage. */
  readonly help: string;
  /** Does it; `arguments_` are those behind its name. Resolves with the exit code, rejects with what is said as an error. */
  run(arguments_: readonly string[], terminal: Terminal): Promise<number>;
}

/** The command could not be carried out: its message is told, and the exit code is 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** The command line is not one that `bowline` knows: as {@link CommandError}, with the exit code 2 and the usage. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}
