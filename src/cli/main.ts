import { readFileSync } from "node:fs";
import { nearest } from "../base/options.ts";
import { CommandError, UsageError, type Command, type Terminal } from "./command.ts";
import { commands, type CommandEntry } from "./commands.ts";

/** Runs a command line. Resolves with the exit code: 0 done, 1 it could not be done, 2 the command line is wrong. */
export async function main(
  [name, ...rest]: readonly string[],
  terminal: Terminal,
  table: Readonly<Record<string, CommandEntry>> = commands,
): Promise<number> {
  let command: Command | undefined;
  try {
    if (name === "--version" || name === "-v") return print(terminal, `${version()}\n`);
    if (name === undefined || isHelp(name)) return await help(rest[0], terminal, table);
    command = await find(name, table).load();
    if (rest.some(isHelpOption)) return print(terminal, pageOf(command));
    return await command.run(rest, terminal);
  } catch (error) {
    return tell(error, command, terminal);
  }
}

async function help(
  topic: string | undefined,
  terminal: Terminal,
  table: Readonly<Record<string, CommandEntry>>,
): Promise<number> {
  if (topic !== undefined) return print(terminal, pageOf(await find(topic, table).load()));
  const names = Object.keys(table);
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${table[name]?.summary}`);
  return print(
    terminal,
    `Usage: bowline <command>\n\n${lines.join("\n")}\n\nbowline help <command> says more; bowline --version prints the version.\n`,
  );
}

function find(name: string, table: Readonly<Record<string, CommandEntry>>): CommandEntry {
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry) return entry;
  throw new UsageError(
    `unknown command ${nearest(name, table)} Commands are: ${Object.keys(table).join(", ")}`,
  );
}

function pageOf({ usage, help: text }: Command): string {
  return `Usage: bowline ${usage}\n\n${text.trim()}\n`;
}

function tell(error: unknown, command: Command | undefined, { say }: Terminal): number {
  if (error instanceof CommandError) {
    say(`bowline: ${error.message}`);
    return 1;
  }
  // What parseArgs throws of options that it does not know.
  const code = String((error as { code?: unknown }).code);
  if (error instanceof UsageError || code.startsWith("ERR_PARSE_ARGS")) {
    say(`bowline: ${(error as Error).message}`);
    say(command ? `Usage: bowline ${command.usage}` : "Try: bowline help");
    return 2;
  }
  say(`bowline: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

function print({ out }: Terminal, text: string): number {
  out(text);
  return 0;
}

function isHelp(word: string): boolean {
  return word === "help" || isHelpOption(word);
}

function isHelpOption(word: string): boolean {
  return word === "--help" || word === "-h";
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
