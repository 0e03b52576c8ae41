import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sqlite } from "../../src/brokers/sqlite/index.ts";
import type { Broker, BrokerSink } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";

const sink: BrokerSink = {
  receiveEntry: () => {},
  receiveSignal: () => {},
  receivePresence: () => {},
  receiveOpened: () => {},
  receiveHole: () => {},
  receiveTold: () => {},
  receiveOutage: () => {},
  receiveFault: () => {},
  receiveSettings: () => {},
  isConnected: () => true,
};
const bound = { count: 1000, ageMs: 3_600_000, bytes: Infinity };
const session = "NBEgpHYdQGo-5Hv6w6sH0Q";

let folder: string;
let broker: Broker;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-vectors-"));
});
afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const brokers: Readonly<Record<string, () => Broker>> = {
  memory: () => memory(),
  sqlite: () => sqlite({ file: join(folder, "vectors.db") }),
};

interface Vector<Step> {
  readonly about: string;
  readonly steps: readonly Step[];
}

function vectors<Step>(topic: string): [string, readonly Step[]][] {
  const file = new URL(`../../spec/vectors/${topic}.json`, import.meta.url);
  const { vectors: all } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector<Step>[] };
  return all.map(({ about, steps }) => [about, steps]);
}

async function start(name: string): Promise<void> {
  broker = brokers[name]?.() ?? memory();
  await broker.start(sink, "node");
  await broker.openSession({ session, user: "ada", generation: 1 });
}

/** All whole numbers from the first to the last. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

interface PublishStep {
  readonly ref?: number;
  readonly from?: number;
  readonly to?: number;
  readonly room: string;
  readonly outcome: string;
  readonly offset?: number;
}

async function publish(ref: number, { room, outcome, offset }: PublishStep): Promise<void> {
  const result = await broker.append({ room, data: '{"id":"x"}', bound, origin: { session, ref } });
  expect([ref, result.outcome]).toEqual([ref, outcome]);
  if (offset !== undefined && "position" in result)
    expect([ref, result.position.offset]).toEqual([ref, offset]);
}

interface RequestStep {
  /** A ref, or the first and the last of a range. */
  readonly claim?: number | readonly [number, number];
  readonly answer?: string | number | readonly [number, number];
  readonly with?: string;
  readonly outcome?: string;
}

const outcomes: Readonly<Record<string, string>> = { claimed: "run", unanswered: "uncertain" };

function refs(given: number | readonly [number, number]): number[] {
  return typeof given === "number" ? [given] : range(...given);
}

async function request({ claim, answer, outcome, with: text }: RequestStep): Promise<void> {
  if (claim === undefined) {
    for (const ref of refs(answer as number)) await broker.answerRequest({ session, ref }, text ?? "");
    return;
  }
  for (const ref of refs(claim)) {
    const result = await broker.claimRequest({ session, ref });
    expect([ref, outcomes[result.outcome] ?? result.outcome]).toEqual([ref, outcome]);
    if (result.outcome === "answered") expect(result.answer).toBe(answer);
  }
}

describe.each(Object.keys(brokers))("over %s", (name) => {
  test.each(vectors<PublishStep>("publish-ledger"))("publishes: %s", async (_about, steps) => {
    await start(name);
    for (const step of steps)
      for (const ref of step.ref === undefined ? range(step.from ?? 1, step.to ?? 0) : [step.ref])
        await publish(ref, step);
  });

  test.each(vectors<RequestStep>("request-ledger"))("requests: %s", async (_about, steps) => {
    await start(name);
    for (const step of steps) await request(step);
  });
});
