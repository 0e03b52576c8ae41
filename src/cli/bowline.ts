#!/usr/bin/env node
import { once } from "node:events";
import process from "node:process";
import { main } from "./main.ts";

/** The program `bowline`. What a module that was read left running does not keep it. */
const code = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  say: (line) => process.stderr.write(`${line}\n`),
  folder: process.cwd(),
});
for (const stream of [process.stdout, process.stderr])
  if (stream.writableNeedDrain) await once(stream, "drain");
process.exit(code);
