import { conformance, conformanceUsage } from "../conformance/command.ts";
import type { Command } from "./command.ts";

/** `bowline conformance`. */
export const conformanceCommand: Command = {
  usage: "conformance --cmd COMMAND | --client-cmd COMMAND [options]",
  help: conformanceUsage,
  run: (arguments_, { out, say }) =>
    conformance(arguments_, { print: (text) => out(`${text}\n`), note: (text) => say(text) }),
};
