import type { History } from "./history.ts";
import { collectPublications, Publications } from "./publications.ts";
import { Reading } from "./reading.ts";

/** What a history comes to. All but `examples` and `refused` are counts. */
export interface Verdict {
  readonly sent: number;
  readonly acknowledged: number;
  /** How many were refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Publications known to have been in a log: acknowledged, or delivered to somebody. */
  readonly stored: number;
  readonly delivered: number;
  /** Pairs of a publication and a reader that never got it, and was not told so. */
  readonly lost: number;
  /** Such pairs where the reader was told, by a gap. */
  readonly missed: number;
  readonly repeated: number;
  readonly misordered: number;
  readonly gaps: number;
  /** The first of what went wrong, in words. */
  readonly examples: readonly string[];
}

const exampleCount = 20;

/**
 * Judges a history. Lost is what a reader never got although it was stored after the reader had joined, unless a gap
 * covers it: one for `epoch` covers what had not been read of the epochs before it, one for `trimmed` what is up to its
 * position. An offset that was skipped is lost too, even if nobody knows what was there, and so is a change of the epoch
 * without a gap. Repeated is what a reader's
 * handler was given twice. Misordered is an offset that does not rise within its epoch, a sender's message that comes
 * after a later one of that sender and epoch, and a place that holds different things for different readers.
 */
export function checkHistory(history: History): Verdict {
  const rooms = collectPublications(history);
  const sent = new Map(history.sent.map((message) => [message.id, message]));
  const readings = history.readers.map((log) =>
    new Reading(log, rooms.get(log.room) ?? new Publications(), sent).judge(history.ends.get(log.room)),
  );
  const lost = readings.flatMap((reading) => reading.lost);
  const repeated = readings.flatMap((reading) => reading.repeated);
  const misordered = readings.flatMap((reading) => reading.misordered);
  const conflicts = sum([...rooms.values()].map((publications) => publications.conflicts));
  return {
    sent: history.sent.length,
    acknowledged: history.acknowledged.length,
    refused: countCodes(history),
    stored: sum([...rooms.values()].map(({ ids }) => ids.size)),
    delivered: sum(readings.map((reading) => reading.delivered)),
    lost: lost.length,
    missed: sum(readings.map((reading) => reading.missed)),
    repeated: repeated.length,
    misordered: misordered.length + conflicts,
    gaps: sum(readings.map((reading) => reading.gaps)),
    examples: [
      ...lost.map((what) => `lost: ${what}`),
      ...repeated.map((what) => `repeated: ${what}`),
      ...misordered.map((what) => `misordered: ${what}`),
      ...(conflicts > 0 ? [`misordered: ${conflicts} places hold different publications`] : []),
    ].slice(0, exampleCount),
  };
}

function countCodes({ refused }: History): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of refused) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
