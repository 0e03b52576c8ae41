import { conformance, conformanceUsage } from "../conformance/command.ts";
import type { Command } from "./command.ts";

/** `bowline conformance`. */
export const conformanceCommand: Command = {
  usage: "conformance --cmd COMMAND | --client-cmd COMMAND [options]",
  help: conformanceUsage,
  run(arguments_, { out, say }) {
    // What was started ends with this process.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
    return conformance(arguments_, { print: (text) => out(`${text}\n`), note: (text) => say(text) });
  },
};
