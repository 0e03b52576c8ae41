/** A duration: milliseconds, or a number with one of the units ms, s, m, h, d. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration; throws a `TypeError` that names the option. */
export function durationMs(duration: Duration, option: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const ms =
    typeof duration === "number" ? duration : Number(amount) * (unitsMs[unit as keyof typeof unitsMs] ?? NaN);
  if (!(ms > 0))
    throw new TypeError(
      `${option} must be like "500ms", "30s", "5m", "24h" or "7d", not ${String(duration)}`,
    );
  return ms;
}
