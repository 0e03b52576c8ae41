#!/usr/bin/env node
import process from "node:process";
import { main } from "./main.ts";

/** The program `bowline`. What a module that was read left running does not keep it. */
// Who reads no more of it, as `head` does, has what they wanted.
process.stdout.on("error", () => process.exit());
const code = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  say: (line) => process.stderr.write(`${line}\n`),
  folder: process.cwd(),
});
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
process.exit(code);
