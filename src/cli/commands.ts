import type { Command } from "./command.ts";

/** A line of the list of commands, and the command behind it. */
export interface CommandEntry {
  /** One line for the list. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every command, by its name. To add one, write its file and its line here. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  conformance: {
    summary: "play the conformance suite on a server or client in any language",
    load: async () => (await import("./conformance.ts")).conformanceCommand,
  },
  export: {
    summary: "write a contract for other languages: contract.json, JSON Schema or AsyncAPI",
    load: async () => (await import("./export.ts")).exportCommand,
  },
};
