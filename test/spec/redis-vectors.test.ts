import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { boundArgs } from "../../src/brokers/redis/append-call.ts";
import { Keys, refText, slotOf } from "../../src/brokers/redis/keys.ts";
import {
  dutyAfter,
  judgeSession,
  stateBefore,
  type LedgerKnowledge,
  type LedgerState,
  type SessionKnowledge,
} from "../../src/brokers/redis/ledger-states.ts";
import { dataOf } from "../../src/brokers/redis/log-page.ts";
import {
  memberOf,
  readControlMessage,
  readRoomMessage,
  signalMessage,
} from "../../src/brokers/redis/messages.ts";
import type { AppendResult, LogBound } from "../../src/server/broker.ts";

function vectors(topic: string): [title: string, vector: Vector][] {
  const path = new URL(`../../spec/vectors/${topic}.json`, import.meta.url);
  const { vectors: all } = JSON.parse(readFileSync(path, "utf8")) as { vectors: Vector[] };
  return all.map((vector) => [JSON.stringify(vector).slice(0, 100), vector]);
}

/** Each has one of the questions, and its answer. */
interface Vector {
  readonly room?: string;
  readonly channel?: string;
  readonly key?: string;
  readonly slot?: number;
  readonly ref?: number;
  readonly digits?: string;
  readonly bound?: LogBound;
  readonly text?: string;
  readonly message?: string;
  readonly control?: string;
  readonly member?: string;
  readonly is?: unknown;
  readonly entry?: string;
  readonly data?: string | null;
  readonly before?: LedgerKnowledge;
  readonly state?: LedgerState;
  readonly after?: { readonly state: LedgerState; readonly outcome: AppendResult["outcome"] };
  readonly duty?: string;
  readonly session?: SessionKnowledge;
  readonly verdict?: string;
}

/** What the code makes of the question, and what it should. */
function answers(it: Vector): [found: unknown, wanted: unknown] {
  if (it.room !== undefined) return [new Keys("p").room(it.room), it.channel];
  if (it.key !== undefined) return [slotOf(it.key), it.slot];
  if (it.ref !== undefined) return [refText(it.ref), it.digits];
  if (it.bound !== undefined) return [boundArgs(it.bound).join(" "), it.text];
  if (it.message !== undefined) return [readRoomMessage(it.message), it.is];
  if (it.control !== undefined) return [readControlMessage(it.control), it.is];
  if (it.entry !== undefined) return [dataOf(it.entry), it.data];
  if (it.member !== undefined) return [memberOf(it.member), it.is];
  if (it.before) return [stateBefore(it.before), it.state];
  if (it.after) return [dutyAfter(it.after.state, it.after.outcome), it.duty];
  if (it.session) return [judgeSession(it.session), it.verdict];
  throw new Error("asks nothing");
}

describe.each(["redis-values", "ledger-states"])("the vectors of %s", (topic) => {
  test.each(vectors(topic))("%s", (_, vector) => {
    const [found, wanted] = answers(vector);
    expect(found).toEqual(wanted);
  });
});

test("a signal is written as it is read", () => {
  for (const [, { message = "", is }] of vectors("redis-values")) {
    const { kind, key, data } = (is ?? {}) as { kind?: string; key?: string; data?: string };
    if (kind === "signal") expect(signalMessage(key as string, data as string)).toBe(message);
  }
});
