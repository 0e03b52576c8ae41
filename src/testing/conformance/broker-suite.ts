import type { ConformanceCase } from "../../conformance/case.ts";
import { runCases, type CaseResult } from "../../conformance/run-cases.ts";
import { knownNeeds, offers, type BrokerBench } from "./bench.ts";
import { loadScripts } from "./load-scripts.ts";
import { Player } from "./player.ts";
import type { Script } from "./script.ts";

/** What a suite of scripts is run with. */
export interface BrokerSuite {
  readonly bench: BrokerBench;
  readonly scripts: readonly Script[];
  /** Told of each result as it comes. */
  readonly onResult: (result: CaseResult) => void;
}

/** The scripts of the package, or those whose id contains a text. Throws where there is none. */
export function scriptsLike(part: string | undefined): Script[] {
  const scripts = loadScripts().filter(({ id }) => id.includes(part ?? ""));
  if (scripts.length === 0) throw new Error(`no script has an id that contains ${part}`);
  return scripts;
}

/** Plays scripts one after the other. Those that need what the bench does not offer are skipped. */
export function runScripts({ bench, scripts, onResult }: BrokerSuite): Promise<CaseResult[]> {
  const byId = new Map(scripts.map((script) => [script.id, script]));
  return runCases(scripts.map(toCase), {
    atOnce: 1,
    skippedTags: new Set(knownNeeds.filter((need) => !offers(bench, need))),
    async open({ id }) {
      const player = new Player(bench, byId.get(id) as Script);
      await player.begin().catch(async (error: unknown) => {
        await player.end().catch(() => {});
        throw error;
      });
      return {
        play: (step) => player.play(step),
        trace: () => [],
        end: () => player.end().catch(() => {}),
      };
    },
    close: async () => {},
    onResult,
  });
}

function toCase({ id, topic, level, about, needs, steps }: Script): ConformanceCase {
  return { id, section: topic, level, about, tags: needs, config: {}, alone: false, steps };
}
