import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { nearest } from "../base/options.ts";
import { contractText, describe } from "../contract-file/describe.ts";
import type { ContractFile } from "../contract-file/contract-file.ts";
import { CommandError, UsageError, type Command, type Terminal } from "./command.ts";
import { loadContract } from "./load-contract.ts";

/** What may be written of a contract, by its name on the command line. */
const formats: Readonly<Record<string, (file: ContractFile) => string>> = {
  contract: contractText,
};

const options = {
  export: { type: "string" },
  out: { type: "string", short: "o" },
} as const;

/** `bowline export`. */
export const exportCommand: Command = {
  usage: "export contract FILE [--export NAME] [--out PATH]",
  help: `
FILE is the module that exports the contract: TypeScript (Node 22.18 or newer reads it, else tsx where it is
installed) or JavaScript.

  --export NAME  which export is the contract; needed where there are several
  --out PATH     file to write; default: the standard output

What JSON Schema can't say of a schema, such as a transform, is told and stands in the file under "lost".
`,
  run: async (arguments_, terminal) => {
    const { values, positionals } = parseArgs({ args: [...arguments_], options, allowPositionals: true });
    const [format, file, ...rest] = positionals;
    const write = formatOf(format);
    if (file === undefined || rest.length > 0)
      throw new UsageError(
        file === undefined ? "FILE is missing" : `one FILE only, not also ${rest.join(" ")}`,
      );
    const { folder } = terminal;
    const contract = await loadContract({ file, exportName: values.export, folder });
    const described = describe(contract);
    for (const { of, at, text } of described.lost)
      terminal.say(`bowline: not in the schema of ${of}${at}: ${text}`);
    put(write(described), values.out, terminal);
    return 0;
  },
};

function formatOf(name = ""): (file: ContractFile) => string {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format) return format;
  const names = Object.keys(formats).join(", ");
  throw new UsageError(
    name ? `unknown format ${nearest(name, formats)} Formats are: ${names}` : `say what to export: ${names}`,
  );
}

function put(text: string, path: string | undefined, { out, folder }: Terminal): void {
  if (path === undefined) return out(text);
  try {
    writeFileSync(resolve(folder, path), text);
  } catch (error) {
    throw new CommandError(`${path} can't be written: ${(error as Error).message}`, { cause: error });
  }
}
