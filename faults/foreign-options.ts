import { serverCount } from "./cluster.ts";
import type { BrokerName } from "./contenders/contender.ts";
import type { Foreign } from "./fault-run.ts";

/** Those of the command's options that are about processes of yours. */
export interface ForeignOptions {
  readonly broker: string;
  readonly clients: string;
  readonly compare: boolean;
  readonly "server-cmd"?: string | undefined;
  readonly "foreign-servers"?: string | undefined;
  readonly "client-cmd"?: string | undefined;
  readonly "foreign-clients"?: string | undefined;
  readonly "start-ms": string;
}

type Kind = "server" | "client";

/** What is wrong with the options, or null. */
export function foreignMisuse(options: ForeignOptions): string | null {
  if (!/^[1-9]\d*$/.test(options["start-ms"])) return "--start-ms must be a whole number from 1";
  return misuseOf(options, "server") ?? misuseOf(options, "client");
}

function misuseOf(options: ForeignOptions, kind: Kind): string | null {
  const command = options[`${kind}-cmd`];
  const count = options[`foreign-${kind}s`];
  if (command === undefined) return count === undefined ? null : `--foreign-${kind}s needs --${kind}-cmd`;
  if (options.compare) return `--compare runs no processes of yours: leave out --${kind}-cmd`;
  if (command.trim() === "") return `--${kind}-cmd is empty`;
  const most = mostOf(options, kind);
  if (count === undefined || (/^[1-9]\d*$/.test(count) && Number(count) <= most)) return null;
  return `--foreign-${kind}s must be a whole number from 1 to ${most}, not ${count}`;
}

/** What the options say of processes of this kind; undefined where they say nothing. */
export function foreignOf(options: ForeignOptions, kind: Kind): Foreign | undefined {
  const command = options[`${kind}-cmd`];
  if (command === undefined) return undefined;
  const most = mostOf(options, kind);
  const otherwise = kind === "server" ? Math.max(1, most - 1) : Math.ceil(most / 3);
  return { command, count: Number(options[`foreign-${kind}s`] ?? otherwise) };
}

function mostOf({ broker, clients }: ForeignOptions, kind: Kind): number {
  return kind === "server" ? serverCount(broker as BrokerName) : Number(clients);
}
