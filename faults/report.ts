import type { Verdict } from "./checker.ts";
import type { FaultRunResult } from "./fault-run.ts";

/** The figures of a run for programs. */
export type Figures = Pick<
  Verdict,
  "sent" | "acknowledged" | "stored" | "delivered" | "lost" | "repeated" | "misordered" | "gaps"
> & { readonly faults: number };

const titles: Readonly<Record<keyof Figures | "uncertain" | "refused" | "missed" | "settled", string>> = {
  sent: "sent",
  acknowledged: "acknowledged",
  uncertain: "ended as uncertain",
  refused: "refused otherwise",
  stored: "stored",
  delivered: "delivered",
  lost: "**lost**",
  repeated: "**repeated**",
  misordered: "**misordered**",
  missed: "missed, and told so",
  gaps: "gaps told",
  faults: "faults",
  settled: "settled after",
};

/** The figures as `--json` prints them. */
export function toFigures({ verdict, faultCount }: FaultRunResult): Figures {
  const { sent, acknowledged, stored, delivered, lost, repeated, misordered, gaps } = verdict;
  return { sent, acknowledged, stored, delivered, lost, repeated, misordered, gaps, faults: faultCount };
}

/** Whether a run kept every promise. */
export function isClean({ verdict, settledMs }: FaultRunResult): boolean {
  return settledMs !== null && verdict.lost + verdict.repeated + verdict.misordered === 0;
}

/** A table of one or more runs, in Markdown. */
export function toMarkdown(results: readonly FaultRunResult[]): string {
  const columns = results.map(cells);
  const rows = (Object.keys(titles) as (keyof typeof titles)[]).map(
    (key) => `| ${titles[key]} | ${columns.map((column) => column[key]).join(" | ")} |`,
  );
  return [
    `| | ${results.map(({ contender }) => contender).join(" | ")} |`,
    `|---|${results.map(() => "---:|").join("")}`,
    ...rows,
  ].join("\n");
}

/** Which faults a run had, in words. */
export function describeFaults({ faults }: FaultRunResult): string {
  return [...faults].map(([kind, count]) => `${count} × ${kind}`).join(", ");
}

function cells(result: FaultRunResult): Record<keyof typeof titles, string> {
  const { verdict, settledMs } = result;
  const uncertain = verdict.refused["UNCERTAIN"] ?? 0;
  const others = Object.entries(verdict.refused).filter(([code]) => code !== "UNCERTAIN");
  const refused = others.map(([code, count]) => `${count} ${code}`).join(", ") || "0";
  const numbers = { ...toFigures(result), missed: verdict.missed, uncertain };
  const texts = Object.fromEntries(
    Object.entries(numbers).map(([key, value]) => [key, value.toLocaleString("en")]),
  ) as Record<keyof typeof numbers, string>;
  return { ...texts, refused, settled: settledMs === null ? "never" : `${(settledMs / 1000).toFixed(1)} s` };
}
