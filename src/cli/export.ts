import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { nearest } from "../base/options.ts";
import { asyncApi, type AsyncApiOptions } from "../contract-file/asyncapi.ts";
import { contractText, describe } from "../contract-file/describe.ts";
import { jsonSchemaBundle } from "../contract-file/schema-bundle.ts";
import type { ContractFile } from "../contract-file/contract-file.ts";
import { CommandError, UsageError, type Command, type Terminal } from "./command.ts";
import { loadContract } from "./load-contract.ts";

/** What may be written of a contract, by its name on the command line. */
const formats: Readonly<Record<string, (file: ContractFile, values: Values) => string>> = {
  contract: contractText,
  "json-schema": (file) => jsonText(jsonSchemaBundle(file)),
  asyncapi: (file, values) => jsonText(asyncApi(file, asyncApiOptions(values))),
};

interface Values {
  readonly title?: string | undefined;
  readonly server?: string | undefined;
}

const options = {
  export: { type: "string" },
  out: { type: "string", short: "o" },
  title: { type: "string" },
  server: { type: "string" },
} as const;

/** `bowline export`. */
export const exportCommand: Command = {
  usage: "export contract|json-schema|asyncapi FILE [--export NAME] [--out PATH]",
  help: `
  contract       contract.json: the whole contract as data (spec/CONTRACT.md)
  json-schema    the schemas alone, each by a name, as one document of JSON Schema 2020-12
  asyncapi       an AsyncAPI 3.0 document, from the view of a client

FILE is the module that exports the contract: TypeScript (Node 22.18 or newer reads it, else tsx where it is
installed) or JavaScript.

  --export NAME  which export is the contract; needed where there are several
  --out PATH     file to write; default: the standard output
  --title TEXT   asyncapi: title of the document; default: Contract
  --server URL   asyncapi: where clients connect to; default: ws://localhost:3000/bowline

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
    put(write(described, values), values.out, terminal);
    return 0;
  },
};

function formatOf(name = ""): (typeof formats)[string] {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format) return format;
  const names = Object.keys(formats).join(", ");
  throw new UsageError(
    name ? `unknown format ${nearest(name, formats)} Formats are: ${names}` : `say what to export: ${names}`,
  );
}

function asyncApiOptions({
  title = "Contract",
  server = "ws://localhost:3000/bowline",
}: Values): AsyncApiOptions {
  const url = URL.canParse(server) ? new URL(server) : null;
  if (!url || !/^wss?:$/.test(url.protocol))
    throw new UsageError(`--server must be like wss://example.com/bowline, not ${server}`);
  return { title, server: url };
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function put(text: string, path: string | undefined, { out, folder }: Terminal): void {
  if (path === undefined) return out(text);
  try {
    writeFileSync(resolve(folder, path), text);
  } catch (error) {
    throw new CommandError(`${path} can't be written: ${(error as Error).message}`, { cause: error });
  }
}
