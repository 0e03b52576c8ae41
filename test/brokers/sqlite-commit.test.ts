import { describe, expect, test } from "vitest";
import type { Database } from "../../src/brokers/sqlite/database.ts";
import { GroupCommit } from "../../src/brokers/sqlite/group-commit.ts";
import { FakeClock, promisesDone } from "../support/fake-clock.ts";

const full = Object.assign(new Error("database or disk is full"), { errcode: 13, rawCode: 13 });
const probeMs = 1000;

/** Commits over a database that does nothing but fail where it is told to. */
function bench() {
  const clock = new FakeClock();
  const log: string[] = [];
  const fails = { at: null as string | null };
  const exec = (sql: string): void => {
    const word = (/^\w+/.exec(sql) as RegExpExecArray)[0];
    log.push(word);
    if (word === fails.at) throw full;
  };
  const commit = new GroupCommit({
    database: { exec } as unknown as Database,
    file: "a.db",
    guard: () => {},
    clock,
    rolledBack: () => log.push("rolled back"),
    outage: (reason) => log.push(reason ? "outage" : "over"),
  });
  const outcomes: string[] = [];
  const run = (name: string, task = (): void => {}): void => {
    const note = (outcome: string) => () => void outcomes.push(`${name} ${outcome}`);
    commit.run(task, note("committed")).then(note("answered"), note("rejected"));
  };
  return { clock, log, fails, commit, outcomes, run };
}

describe("calls of one turn", () => {
  test("are committed together, and answered after that", async () => {
    const { clock, log, outcomes, run } = bench();
    run("a", () => log.push("a"));
    run("b", () => log.push("b"));
    expect(log).toEqual([]);
    await clock.settle();
    expect(log).toEqual(["BEGIN", "a", "b", "COMMIT"]);
    expect(outcomes).toEqual(["a committed", "b committed", "a answered", "b answered"]);
  });

  test("of which one throws are carried out one by one, and only that one is rejected", async () => {
    const { clock, log, outcomes, run } = bench();
    run("a");
    run("b", () => {
      throw new Error("no");
    });
    run("c");
    await clock.settle();
    expect(outcomes.toSorted((a, b) => a.localeCompare(b))).toEqual([
      "a answered",
      "a committed",
      "b rejected",
      "c answered",
      "c committed",
    ]);
    expect(log.filter((word) => word === "rolled back")).toHaveLength(2);
  });

  test("that can't be committed are rolled back as a whole, none is answered, and it is one outage", async () => {
    const { clock, log, fails, outcomes, run } = bench();
    fails.at = "COMMIT";
    run("a");
    run("b");
    await clock.settle();
    expect(log).toEqual(["BEGIN", "COMMIT", "ROLLBACK", "rolled back", "outage"]);
    expect(outcomes).toEqual(["a rejected", "b rejected"]);
    run("c");
    await clock.settle();
    expect(log.filter((word) => word === "outage")).toHaveLength(1);
  });
});

test("an outage ends when something can be written, and is looked at until then", async () => {
  const { clock, log, fails, run } = bench();
  fails.at = "COMMIT";
  run("a");
  await clock.advance(3 * probeMs);
  expect(log).not.toContain("over");
  fails.at = null;
  await clock.advance(probeMs);
  expect([log.at(-1), clock.timerCount]).toEqual(["over", 0]);
});

test("what waits is carried out when it is closed; afterwards calls are refused, and no timer is left", async () => {
  const { clock, fails, commit, outcomes, run } = bench();
  run("a");
  commit.close();
  await promisesDone();
  run("b");
  await promisesDone();
  expect(outcomes).toEqual(["a committed", "a answered", "b rejected"]);
  const other = bench();
  other.fails.at = "COMMIT";
  other.run("a");
  await other.clock.settle();
  other.commit.close();
  expect([other.clock.timerCount, clock.timerCount, fails.at]).toEqual([0, 0, null]);
});
