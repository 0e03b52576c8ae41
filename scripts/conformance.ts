/** `npm run conformance`: the command of the package, from source. */
import { conformance } from "../src/conformance/command.ts";

process.exitCode = await conformance(process.argv.slice(2), {
  print: (text) => console.log(text),
  note: (text) => console.error(text),
});
