import type { ContenderName } from "./contenders/contender.ts";
import { contenderNames } from "./contenders/contender.ts";
import type { Sample } from "./load/task.ts";
import { median } from "./measure.ts";
import type { Scenario, Target } from "./scenarios.ts";

/** A contender's samples by round. */
export type Samples = Record<ContenderName, Sample[]>;

export interface TargetResult extends Target {
  readonly ratio: number;
  readonly met: boolean;
}

export interface ContenderResult {
  readonly contender: ContenderName;
  /** Median, lowest and highest over the rounds. */
  readonly figure: number;
  readonly lowest: number;
  readonly highest: number;
  /** Bowline's figure as a multiple of this one's: the median of the rounds' ratios. */
  readonly ratio: number;
  /** Null where the time it took says nothing. */
  readonly pace: Pace | null;
}

export interface Pace {
  /** Deliveries, round trips or connections. */
  readonly perSecond: number;
  /** Share of the time in which the server had the core. */
  readonly busy: number;
  /** Share of the time in which it was ready to run, but something else had the core. */
  readonly waited: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly contenders: readonly ContenderResult[];
  readonly targets: readonly TargetResult[];
  readonly failures: readonly string[];
}

/** Sums up a scenario's rounds. */
export function summarize(scenario: Scenario, samples: Samples): ScenarioResult {
  const { name, title, unit, targets } = scenario;
  const contenders = contenderNames.map((contender) => summarizeContender(contender, samples));
  const failures = contenderNames.flatMap((contender) =>
    samples[contender].flatMap((sample) => sample.failures.map((failure) => `${contender}: ${failure}`)),
  );
  const results = targets.map((target) => {
    const ratio = ratioTo(target.of, samples);
    return { ...target, ratio, met: ratio <= target.most };
  });
  return { name, title, unit, contenders, targets: results, failures };
}

/** The results as Markdown. */
export function toMarkdown(results: readonly ScenarioResult[], setting: string): string {
  return [setting, ...results.map(scenarioTable), targetTable(results)].join("\n\n");
}

function summarizeContender(contender: ContenderName, samples: Samples): ContenderResult {
  const own = samples[contender];
  const figures = own.map(({ figure }) => figure);
  return {
    contender,
    figure: median(figures),
    lowest: Math.min(...figures),
    highest: Math.max(...figures),
    ratio: ratioTo(contender, samples),
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

/** Rounds are compared one by one, so that what disturbs the machine for a while disturbs both sides of a ratio. */
function ratioTo(contender: ContenderName, samples: Samples): number {
  return median(
    samples.bowline.map(({ figure }, round) => figure / (samples[contender][round]?.figure ?? NaN)),
  );
}

function scenarioTable({ name, title, unit, contenders }: ScenarioResult): string {
  const rows = contenders.map((result) => {
    const range = `${figure(result.lowest)}–${figure(result.highest)}`;
    const ratio = result.contender === "bowline" ? "" : result.ratio.toFixed(2);
    return `| ${result.contender} | ${figure(result.figure)} | ${range} | ${ratio} | ${paceCells(result.pace)} |`;
  });
  return [
    `**${name}**: ${title}`,
    "",
    `| | ${unit} | range | Bowline ÷ this | per second | server busy | server waited |`,
    "|---|---:|---:|---:|---:|---:|---:|",
    ...rows,
  ].join("\n");
}

function paceCells(pace: Pace | null): string {
  if (!pace) return "| | ";
  return `${Math.round(pace.perSecond).toLocaleString("en")} | ${percent(pace.busy)} | ${percent(pace.waited)}`;
}

function targetTable(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ name, targets }) =>
    targets.map(
      ({ of, most, ratio, met }) =>
        `| ${name} | ≤ ${most} of ${of} | ${ratio.toFixed(3)} | ${met ? "met" : "MISSED"} |`,
    ),
  );
  return ["| scenario | target | Bowline ÷ it | |", "|---|---|---:|---|", ...rows].join("\n");
}

function figure(value: number): string {
  return value < 1 ? value.toFixed(3) : value.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
