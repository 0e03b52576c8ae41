import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<Given extends Options> = ReturnType<typeof parseArgs<{ options: Given }>>["values"];

/**
 * The options of a command. Prints `usage` and ends the process with 0 for `--help`; names what it does not know, with
 * the usage, and ends it with 2.
 */
export function readOptions<const Given extends Options>(usage: string, options: Given): Values<Given> {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if (!("help" in values && values.help)) return values;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}
