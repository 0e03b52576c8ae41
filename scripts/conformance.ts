/** `npm run conformance`: the command of the package, from source. */
import { conformance } from "../src/conformance/command.ts";

// What was started ends with this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await conformance(process.argv.slice(2), {
  print: (text) => console.log(text),
  note: (text) => console.error(text),
});
