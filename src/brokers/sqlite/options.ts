import { resolve } from "node:path";
import { systemClock, type Clock } from "../../base/clock.ts";
import { checkOptions } from "../../base/options.ts";
import { systemRandom, type Random } from "../../base/random.ts";

/** Options of the SQLite broker. */
export interface SqliteBrokerOptions {
  /** Path of the database. Made when there is none, readable for its owner only; its folder must be there. */
  readonly file: string;
  /** How long a session without a connection is remembered; time while the server is down does not count. Default 1 hour. */
  readonly sessionTtlMs?: number;
  /** Most sessions remembered; the longest disconnected go first, connected ones never. Default 200,000. */
  readonly sessionsMax?: number;
  /** Most logs held; those nobody is subscribed to go, the longest unused first. Default 100,000. */
  readonly roomsMax?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

/** The options, checked, with the defaults filled in. */
export type Settings = Required<SqliteBrokerOptions>;

/** Throws a `TypeError` that names an option which can't be what it is, and its value. */
export function settingsOf(options: SqliteBrokerOptions): Settings {
  checkOptions("sqlite", options, {
    file: 1,
    sessionTtlMs: 1,
    sessionsMax: 1,
    roomsMax: 1,
    clock: 1,
    random: 1,
  });
  return {
    file: fileOf(options.file),
    sessionTtlMs: numberOf(options, "sessionTtlMs", 3_600_000, 50),
    sessionsMax: numberOf(options, "sessionsMax", 200_000, 1),
    roomsMax: numberOf(options, "roomsMax", 100_000, 1),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

function fileOf(file: unknown): string {
  if (typeof file === "string" && file !== "" && file !== ":memory:") return resolve(file);
  throw misuse("file", "the path of a file", file, "; what need not last is for the memory broker");
}

function numberOf(
  options: SqliteBrokerOptions,
  name: "sessionTtlMs" | "sessionsMax" | "roomsMax",
  standard: number,
  least: number,
): number {
  const value = options[name] ?? standard;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw misuse(name, `a whole number, at least ${least}`, value);
}

function misuse(option: string, expected: string, value: unknown, more = ""): TypeError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new TypeError(`sqlite broker, option "${option}" must be ${expected}, not ${shown}${more}`);
}
