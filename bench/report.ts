import type { ContenderName } from "./contenders/contender.ts";
import type { Sample } from "./load/task.ts";
import { median } from "./measure.ts";
import type { Scenario, Target } from "./scenarios.ts";

/** Each contender's samples by round. */
export type Samples = ReadonlyMap<ContenderName, readonly Sample[]>;

export type TargetResult = Target & {
  readonly ratio: number;
  readonly met: boolean;
};

export interface ContenderResult {
  readonly contender: ContenderName;
  /** Median, lowest and highest over the rounds. */
  readonly figure: number;
  readonly lowest: number;
  readonly highest: number;
  /** Bowline's figure as a multiple of this one's: the median of the rounds' ratios. */
  readonly ratio: number;
  /** What all servers together cost, where the figure is the broker's. */
  readonly serversFigure: number | null;
  /** Null where the time it took says nothing. */
  readonly pace: Pace | null;
}

export interface Pace {
  /** Deliveries, publishes, round trips or connections. */
  readonly perSecond: number;
  /** Share of the time in which the process measured had the core. */
  readonly busy: number;
  /** Share of the time in which it was ready to run, but something else had the core. */
  readonly waited: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Whose costs the figure is. */
  readonly measured: "server" | "broker";
  readonly contenders: readonly ContenderResult[];
  readonly targets: readonly TargetResult[];
  readonly failures: readonly string[];
}

/** Sums up a scenario's rounds. */
export function summarize(scenario: Scenario, samples: Samples): ScenarioResult {
  const { name, title, unit, targets } = scenario;
  const measured = scenario.cluster ? "broker" : "server";
  const contenders = scenario.contenders.map((contender) => summarizeContender(contender, scenario, samples));
  const failures = scenario.contenders.flatMap((contender) =>
    of(contender, samples).flatMap((sample) => sample.failures.map((failure) => `${contender}: ${failure}`)),
  );
  const results = targets.map((target) => judgeTarget(target, samples));
  return { name, title, unit, measured, contenders, targets: results, failures };
}

/** The results as Markdown. */
export function toMarkdown(results: readonly ScenarioResult[], setting: string): string {
  return [setting, ...results.map(scenarioTable), targetTable(results)].join("\n\n");
}

function summarizeContender(contender: ContenderName, scenario: Scenario, samples: Samples): ContenderResult {
  const own = of(contender, samples);
  const figures = own.map(({ figure }) => figure);
  return {
    contender,
    figure: median(figures),
    lowest: Math.min(...figures),
    highest: Math.max(...figures),
    ratio: ratioTo(contender, samples, figureOf),
    serversFigure: scenario.cluster ? median(own.map(({ serversFigure = NaN }) => serversFigure)) : null,
    pace: paceOf(own),
  };
}

function paceOf(samples: readonly Sample[]): Pace | null {
  const paces = samples.flatMap(({ count, usage }) => {
    if (!usage) return [];
    const { cpuSeconds, wallSeconds, waitedSeconds } = usage;
    return [
      { perSecond: count / wallSeconds, busy: cpuSeconds / wallSeconds, waited: waitedSeconds / wallSeconds },
    ];
  });
  if (paces.length === 0) return null;
  return {
    perSecond: median(paces.map(({ perSecond }) => perSecond)),
    busy: median(paces.map(({ busy }) => busy)),
    waited: median(paces.map(({ waited }) => waited)),
  };
}

function judgeTarget(target: Target, samples: Samples): TargetResult {
  if ("most" in target) {
    const ratio = ratioTo(target.of, samples, figureOf);
    return { ...target, ratio, met: ratio <= target.most };
  }
  const ratio = ratioTo(target.of, samples, perSecondOf);
  return { ...target, ratio, met: ratio >= target.leastPerSecond };
}

/** Rounds are compared one by one, so that what disturbs the machine for a while disturbs both sides of a ratio. */
function ratioTo(contender: ContenderName, samples: Samples, quantityOf: (sample: Sample) => number): number {
  const others = of(contender, samples).map(quantityOf);
  return median(of("bowline", samples).map((sample, round) => quantityOf(sample) / (others[round] ?? NaN)));
}

function figureOf({ figure }: Sample): number {
  return figure;
}

function perSecondOf({ count, usage }: Sample): number {
  return usage ? count / usage.wallSeconds : NaN;
}

function of(contender: ContenderName, samples: Samples): readonly Sample[] {
  return samples.get(contender) ?? [];
}

function scenarioTable({ name, title, unit, measured, contenders }: ScenarioResult): string {
  const rows = contenders.map((result) => {
    const range = `${figure(result.lowest)}–${figure(result.highest)}`;
    const ratio = result.contender === "bowline" ? "" : result.ratio.toFixed(2);
    return `| ${result.contender} | ${figure(result.figure)} | ${range} | ${ratio} | ${paceCells(result.pace)} |${serversCell(result)}`;
  });
  const isCluster = measured === "broker";
  return [
    `**${name}**: ${title}`,
    "",
    `| | ${unit} | range | Bowline ÷ this | per second | ${measured} busy | ${measured} waited |${isCluster ? " all servers |" : ""}`,
    `|---|---:|---:|---:|---:|---:|---:|${isCluster ? "---:|" : ""}`,
    ...rows,
  ].join("\n");
}

function paceCells(pace: Pace | null): string {
  if (!pace) return "| | ";
  return `${Math.round(pace.perSecond).toLocaleString("en")} | ${percent(pace.busy)} | ${percent(pace.waited)}`;
}

function serversCell({ serversFigure }: ContenderResult): string {
  return serversFigure === null ? "" : ` ${figure(serversFigure)} |`;
}

function targetTable(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ name, targets }) =>
    targets.map(
      (target) =>
        `| ${name} | ${describeTarget(target)} | ${target.ratio.toFixed(3)} | ${target.met ? "met" : "MISSED"} |`,
    ),
  );
  return ["| scenario | target | Bowline ÷ it | |", "|---|---|---:|---|", ...rows].join("\n");
}

function describeTarget(target: Target): string {
  return "most" in target
    ? `≤ ${target.most} of ${target.of}`
    : `per second ≥ ${target.leastPerSecond} of ${target.of}`;
}

function figure(value: number): string {
  return value < 1 ? value.toFixed(3) : value.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
