import { describe, expect, test } from "vitest";
import { orphansMax, TaskOwner, WorkQueue } from "../../src/server/work-queue.ts";
import { promisesDone } from "../support/fake-clock.ts";

function bench() {
  const queue = new WorkQueue();
  const log: string[] = [];
  const finish = new Map<string, () => void>();
  const owner = new TaskOwner();
  const run = (key: string, name: string, of = owner): Promise<void> =>
    queue.run("session", key, of, async (dropped) => {
      if (dropped) return void log.push(`${name} dropped`);
      log.push(`${name} begins`);
      await new Promise<void>((resolve) => finish.set(name, resolve));
      log.push(`${name} ends`);
    });
  const end = async (name: string): Promise<void> => {
    finish.get(name)?.();
    await promisesDone();
  };
  return { queue, owner, run, log, end };
}

describe("a work queue", () => {
  test("begins a task at once where none of its key runs", () => {
    const { run, log } = bench();
    void run("k", "a");
    expect(log).toEqual(["a begins"]);
  });

  test("runs tasks of one key one after another, in their order", async () => {
    const { run, log, end } = bench();
    for (const name of ["a", "b", "c"]) void run("k", name);
    for (const name of ["a", "b", "c"]) await end(name);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("keeps what comes between two tasks of its key behind both", async () => {
    const { run, log, end } = bench();
    void run("k", "a");
    void run("k", "b");
    await end("a");
    void run("k", "c");
    await promisesDone();
    expect(log).toEqual(["a begins", "a ends", "b begins"]);
    await end("b");
    expect(log.slice(3)).toEqual(["b ends", "c begins"]);
  });

  test("runs tasks of different keys side by side", () => {
    const { run, log } = bench();
    void run("k", "a");
    void run("l", "b");
    expect(log).toEqual(["a begins", "b begins"]);
  });

  test("settles with the task, not with an earlier one", async () => {
    const { run, end, log } = bench();
    void run("k", "a");
    void run("k", "b").then(() => log.push("b settled"));
    await end("a");
    expect(log).not.toContain("b settled");
    await end("b");
    expect(log).toContain("b settled");
  });

  test("begins at once again when a key has come to rest", async () => {
    const { run, end, log } = bench();
    void run("k", "a");
    await end("a");
    void run("k", "b");
    expect(log.at(-1)).toBe("b begins");
  });

  test("goes on with what its owner left behind", async () => {
    const { queue, owner, run, log, end } = bench();
    for (const name of ["a", "b"]) void run("k", name);
    queue.ended(owner);
    await end("a");
    expect(log.at(-1)).toBe("b begins");
  });

  test("drops at once what owners left behind beyond the bound, and settles it", async () => {
    const { queue, run, log, end } = bench();
    void run("k", "a");
    const [first, second] = [new TaskOwner(), new TaskOwner()];
    for (let count = 0; count < orphansMax; count += 1) void run("k", "kept", first);
    const dropped = run("k", "b", second);
    queue.ended(first);
    expect(log).toEqual(["a begins"]);
    queue.ended(second);
    expect(log).toEqual(["a begins", "b dropped"]);
    for (let count = 0; count < orphansMax; count += 1) await end(count === 0 ? "a" : "kept");
    await end("kept");
    await dropped;
    const third = new TaskOwner();
    void run("l", "c");
    void run("l", "d", third);
    queue.ended(third);
    expect(log.slice(-2)).toEqual(["kept ends", "c begins"]);
  });
});
