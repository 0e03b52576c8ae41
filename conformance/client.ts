/**
 * The TypeScript client under test: reads commands as JSON lines and tells what happens as JSON lines. "Client driver" in
 * spec/CONFORMANCE.md has the protocol; `npm run conformance -- --client-cmd "…"` runs it.
 */
import { createInterface } from "node:readline";
import { ClientDriver, offers, type Command } from "./client-driver/driver.ts";
import { conformanceContract } from "./contract.ts";

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const driver = new ClientDriver(conformanceContract, tell);

tell({ tell: "ready", offers });
for await (const line of createInterface(process.stdin)) await driver.run(JSON.parse(line) as Command);
process.exit(0);
