import { contract } from "../../src/contract/contract.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/server/logging/logger.ts";
import { Logging } from "../../src/server/logging/logging.ts";

/** A line as a logger was given it. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its lines. */
export class RecordedLog implements Required<Logger> {
  readonly lines: Line[] = [];

  debug(fields: object, message: string): void {
    this.#add("debug", fields, message);
  }

  info(fields: object, message: string): void {
    this.#add("info", fields, message);
  }

  warn(fields: object, message: string): void {
    this.#add("warn", fields, message);
  }

  error(fields: object, message: string): void {
    this.#add("error", fields, message);
  }

  of(level: Line["level"]): Line[] {
    return this.lines.filter((line) => line.level === level);
  }

  #add(level: Line["level"], fields: object, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message });
  }
}

/** For parts of a server that are tested alone. */
export function silentLogging(clock: Clock): Logging {
  return new Logging({ logger: null, debug: false, clock, contract: contract({}), node: "n" });
}
