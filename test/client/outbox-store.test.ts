import { describe, expect, test } from "vitest";
import { applyChange, type StoreChange, type StoredState } from "../../src/client/store.ts";
import { promisesDone } from "../support/fake-clock.ts";
import { ack, ask, codeOf, message, outboxBench } from "../support/outbox-bench.ts";

describe("the store", () => {
  test("has a publish before it is sent, and as one that may have been", () => {
    const { add, open, changes } = outboxBench();
    open();
    add();
    expect(changes).toMatchObject([
      { type: "session", session: { refs: 1001 } },
      { type: "put", publish: { ref: 1, sent: true } },
    ]);
  });

  test("hears that a publish that had to wait may have been sent, once for all of them", () => {
    const { add, open, changes } = outboxBench();
    add();
    add();
    expect(changes).toMatchObject([
      { type: "session" },
      { publish: { sent: false } },
      { publish: { sent: false } },
    ]);
    open();
    expect(changes.slice(3)).toEqual([{ type: "sent", ref: 2 }]);
  });

  test("forgets what is settled, and hears of no request", () => {
    const { outbox, add, open, changes } = outboxBench();
    open();
    add(ask);
    add();
    outbox.settle(1, { payload: 1 });
    outbox.settle(2, ack(1));
    expect(changes.map(({ type }) => type)).toEqual(["session", "put", "settled"]);
    expect(changes.at(-1)).toEqual({ type: "settled", ref: 2 });
  });

  test("brings back what an earlier process left, in order, and nobody waits for it", () => {
    const publish = (ref: number, sent: boolean) => ({
      ref,
      room: "r",
      event: "message",
      json: '"old"',
      sent,
    });
    const session = { secret: "k", id: "s", generation: 3, refs: 1001, ledger: "e", user: null, userRef: 0 };
    const initial: StoredState = { session, publishes: [publish(5, true), publish(6, false)] };
    const { outbox, add, open, sent } = outboxBench({ store: { initial, save: () => {} } });
    add(message, "new");
    open();
    expect(() => outbox.settle(5, ack(1))).not.toThrow();
    outbox.settle(6, ack(2));
    expect(sent.map(({ ref, payload, retry = false }) => [ref, payload, retry])).toEqual([
      [5, "old", true],
      [6, "old", false],
      [1001, "new", false],
    ]);
  });

  test("that takes its time holds a publish back, and those behind it", async () => {
    const saves: (() => void)[] = [];
    const save = (): Promise<void> => new Promise<void>((resolve) => saves.push(resolve));
    const { add, open, refs } = outboxBench({ store: { initial: null, save } });
    open();
    add();
    add();
    saves[1]?.();
    await promisesDone();
    expect(refs()).toEqual([]);
    saves[0]?.();
    await promisesDone();
    for (const done of saves) done();
    await promisesDone();
    expect(refs()).toEqual([1, 2]);
  });

  test("is told of a publish that has to wait for its place in the window as of one not sent", () => {
    for (const before of [message, ask]) {
      const { add, open, changes } = outboxBench();
      open({ window: 2 });
      for (const call of [before, before, message]) add(call);
      const last = changes.findLast(({ type }) => type === "put");
      expect(last).toMatchObject({ publish: { ref: 3, sent: false } });
    }
  });

  test("that still has to note something of an older connection sends nothing of what the newer one waits for", async () => {
    const saves: (() => void)[] = [];
    let isSlow = false;
    const save = (): Promise<void> | void =>
      isSlow ? new Promise<void>((resolve) => saves.push(resolve)) : undefined;
    const { session, add, open, drop, refs } = outboxBench({
      store: { initial: null, save },
    });
    add();
    isSlow = true;
    open();
    drop();
    open(session.welcomed({ session: "s", user: "ada", ledger: "e", ref: 0 }) ?? {});
    const [older, newer] = saves;
    older?.();
    await promisesDone();
    expect(refs()).toEqual([]);
    newer?.();
    for (let round = 0; round < 3; round += 1) {
      for (const done of saves) done();
      await promisesDone();
    }
    expect(refs()).toEqual([1]);
  });

  test("that refuses a publish has it refused with STORE_FAILED, and reported", async () => {
    const failure = new Error("disk full");
    for (const save of [
      async () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ]) {
      const { add, open, codes, refs, reported } = outboxBench({ store: { initial: null, save } });
      open();
      const code = codeOf(() => add());
      await promisesDone();
      expect(code ?? codes()).toEqual(code ? "STORE_FAILED" : [[1, "STORE_FAILED"]]);
      expect(refs()).toEqual([]);
      expect(reported[0]).toBe(failure);
    }
  });

  test("that fails to note what is sent ends nothing but is reported", () => {
    const failure = new Error("disk full");
    const save = (changes: readonly StoreChange[]): void => {
      if (changes.some(({ type }) => type === "sent" || type === "settled")) throw failure;
    };
    const { outbox, add, open, reported } = outboxBench({ store: { initial: null, save } });
    add();
    expect(() => open()).not.toThrow();
    expect(reported).toContain(failure);
    expect(() => outbox.settle(1, ack(1))).not.toThrow();
  });

  describe("whose disk fails for a while", () => {
    /** A store that keeps a state, and fails while it is told to. */
    function failing() {
      const disk = { fails: false, state: null as StoredState | null };
      const save = (changes: readonly StoreChange[]): void => {
        if (disk.fails) throw new Error("disk full");
        for (const change of changes) disk.state = applyChange(disk.state, change);
      };
      return { disk, store: { initial: null, save } };
    }

    test("never gives a ref away a second time after a reload", () => {
      const { disk, store } = failing();
      const first = outboxBench({ store });
      first.open();
      disk.fails = true;
      expect(codeOf(() => first.add())).toBe("STORE_FAILED");
      disk.fails = false;
      const { ref } = first.add();
      const second = outboxBench({ store: { ...store, initial: disk.state } });
      expect(second.add().ref).toBeGreaterThan(ref);
    });

    test("forgets in the end what was settled meanwhile", () => {
      const { disk, store } = failing();
      const { outbox, add, open } = outboxBench({ store });
      open();
      add();
      disk.fails = true;
      outbox.settle(1, ack(1));
      expect(disk.state?.publishes).toHaveLength(1);
      disk.fails = false;
      add();
      expect(disk.state?.publishes.map(({ ref }) => ref)).toEqual([2]);
    });

    test("sends nothing before it has the ledgers' name", () => {
      const { disk, store } = failing();
      const { session, add, open, refs, reported, runLater } = outboxBench({ store });
      add();
      disk.fails = true;
      open(session.welcomed({ session: "s", user: "ada", ledger: "e", ref: 0 }) ?? {});
      runLater();
      expect(refs()).toEqual([]);
      expect(reported).toHaveLength(2);
      disk.fails = false;
      runLater();
      expect(refs()).toEqual([1]);
      expect(disk.state?.session.ledger).toBe("e");
    });
  });
});
