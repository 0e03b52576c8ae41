import type { BrokerBench } from "./bench.ts";
import { leaseMsOf } from "./bench.ts";

/** How long something takes: `"450 ms"`, `"3 leases"`, `"0.25 session-ttls"`. */
const form = /^(\d+(?:\.\d+)?) (ms|s|leases?|session-ttls?)$/;

/** Whether a text is a duration. */
export function isDuration(text: unknown): text is string {
  return typeof text === "string" && form.test(text);
}

/** A duration in milliseconds, for the brokers of a bench. */
export function durationMs(text: string, bench: BrokerBench): number {
  const [, count = "", unit = ""] = form.exec(text) ?? [];
  return Number(count) * unitMs(unit, bench);
}

function unitMs(unit: string, bench: BrokerBench): number {
  if (unit.startsWith("lease")) return leaseMsOf(bench);
  if (unit.startsWith("session-ttl")) return bench.sessionTtlMs ?? 0;
  return unit === "s" ? 1000 : 1;
}
