import { describe, expect, test } from "vitest";
import { Journal } from "../../src/client/journal.ts";
import { type OutboxEntry, type Outcome } from "../../src/client/outbox-entry.ts";
import { Outbox, type Opening, type OutboxLimits } from "../../src/client/outbox.ts";
import { Session } from "../../src/client/session.ts";
import { applyChange, type Store, type StoreChange, type StoredState } from "../../src/client/store.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { FakeRandom, promisesDone } from "../support/fake-clock.ts";

const message = { type: "publish", room: "r", event: "message" } as const;
const ask = { type: "request", request: "ask", idempotent: false } as const;
const askAgain = { ...ask, idempotent: true } as const;
const welcome: Opening = { window: 256, payloadBytes: 65_536, lost: false, changes: [] };

interface Sent {
  readonly type: string;
  readonly ref: number;
  readonly payload: unknown;
  readonly retry?: boolean;
}

function bench({ limits = {}, store: given }: { limits?: Partial<OutboxLimits>; store?: Store } = {}) {
  const changes: StoreChange[] = [];
  const store = given ?? {
    initial: null,
    save: (saved: readonly StoreChange[]) => void changes.push(...saved),
  };
  const sent: Sent[] = [];
  const reported: unknown[] = [];
  const fates: string[] = [];
  const later: (() => void)[] = [];
  const session = new Session(store.initial?.session ?? null, new FakeRandom());
  let isOpen = false;
  const outbox = new Outbox({
    journal: new Journal(store, () => session.stored),
    initial: store.initial?.publishes ?? [],
    session: () => session,
    limits: { count: 1000, length: 100_000, ...limits },
    takesCalls: () => isOpen,
    send: (text) => sent.push(JSON.parse(text) as Sent),
    changed: ({ ref, sent: wasSent }, outcome) =>
      fates.push(
        `${ref} ${outcome ? ("error" in outcome ? outcome.error.code : "settled") : wasSent ? "sent" : "queued"}`,
      ),
    report: (error) => reported.push(error),
    later: (task) => void later.push(task),
  });
  const runLater = (): void => {
    for (const task of later.splice(0)) task();
  };
  const outcomes: [number, Outcome][] = [];
  const add = (call: OutboxEntry["call"] = message, payload: unknown = 0): OutboxEntry => {
    const entry: OutboxEntry = outbox.add(call, payload, (outcome) => outcomes.push([entry.ref, outcome]));
    return entry;
  };
  const open = (opening: Partial<Opening> = {}): void => {
    outbox.opened({ ...welcome, ...opening });
    isOpen = true;
    outbox.pump();
  };
  const drop = (): void => void (isOpen = false);
  const refs = (): number[] => sent.map(({ ref }) => ref);
  const codes = (): unknown[] =>
    outcomes.map(([ref, outcome]) => [ref, "error" in outcome ? outcome.error.code : "settled"]);
  return {
    outbox,
    add,
    open,
    drop,
    sent,
    refs,
    outcomes,
    codes,
    changes,
    reported,
    fates,
    session,
    runLater,
  };
}

const ack = (offset: number): Outcome => ({ position: { offset, epoch: "e" } });
const codeOf = (task: () => unknown): string | undefined => {
  try {
    task();
  } catch (error) {
    return (error as BowlineError).code;
  }
  return undefined;
};

describe("what is asked", () => {
  test("is sent at once while the connection is open", () => {
    const { add, open, sent } = bench();
    open();
    add(message, { text: "hi" });
    add(ask, null);
    expect(sent).toEqual([
      { type: "publish", ref: 1, room: "r", event: "message", payload: { text: "hi" } },
      { type: "request", ref: 2, request: "ask", payload: null },
    ]);
  });

  test("waits while it is not, and is then sent in order", () => {
    const { add, open, refs } = bench();
    for (let count = 0; count < 5; count += 1) add();
    expect(refs()).toEqual([]);
    open();
    expect(refs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("has the payload it was given, whatever becomes of that later", () => {
    const { add, open, sent } = bench();
    const payload = { text: "before" };
    add(message, payload);
    payload.text = "after";
    open();
    expect(sent[0]?.payload).toEqual({ text: "before" });
  });

  test("is told once how it ended", () => {
    const { outbox, add, open, outcomes } = bench();
    open();
    add();
    outbox.settle(1, ack(9));
    outbox.settle(1, ack(10));
    outbox.settle(77, ack(1));
    expect(outcomes).toEqual([[1, ack(9)]]);
  });

  test("goes through its fates", () => {
    const { outbox, add, open, fates } = bench();
    add();
    open();
    outbox.settle(1, ack(1));
    expect(fates).toEqual(["1 queued", "1 sent", "1 settled"]);
  });
});

describe("over a new connection", () => {
  test("what was not answered is sent again in order, publishes as a retry", () => {
    const { outbox, add, open, drop, sent } = bench();
    open();
    add();
    add(ask);
    add();
    outbox.settle(1, ack(1));
    drop();
    add();
    open();
    expect(sent.slice(3).map(({ ref, retry = false }) => [ref, retry])).toEqual([
      [2, false],
      [3, true],
      [4, false],
    ]);
  });

  test("whose server has forgotten the session, what was sent is uncertain, and only what was not is sent", () => {
    const { add, open, drop, sent, codes } = bench();
    open();
    add();
    add(ask);
    add(askAgain);
    drop();
    add();
    open({ lost: true });
    expect(codes()).toEqual([
      [1, "UNCERTAIN"],
      [2, "UNCERTAIN"],
    ]);
    expect(sent.slice(3)).toMatchObject([{ ref: 3 }, { ref: 4 }]);
    expect(sent.slice(3).some(({ retry }) => retry)).toBe(false);
  });

  test("nothing is sent that a ledger of the window's length would forget", () => {
    const { outbox, add, open, refs } = bench();
    open({ window: 3 });
    add();
    add();
    add();
    outbox.settle(2, ack(2));
    outbox.settle(3, ack(3));
    add();
    expect(refs()).toEqual([1, 2, 3]);
    outbox.settle(1, ack(1));
    expect(refs()).toEqual([1, 2, 3, 4]);
  });

  test("nothing is sent before the store has its epoch", async () => {
    let isOpening = false;
    let save = (): void => {};
    const saving = new Promise<void>((resolve) => (save = resolve));
    const { session, add, open, refs } = bench({
      store: {
        initial: null,
        save: ([change]) => (change?.type === "session" && isOpening ? saving : undefined),
      },
    });
    add();
    isOpening = true;
    open(session.enterEpoch("e", 0));
    await promisesDone();
    expect(refs()).toEqual([]);
    save();
    await promisesDone();
    expect(refs()).toEqual([1]);
  });

  test("whose server takes less, what is too large for it is refused, and the rest is sent", () => {
    const { add, open, refs, codes } = bench();
    add(message, "x".repeat(20_000));
    add(message, "small");
    open({ payloadBytes: 16_384 });
    expect(codes()).toEqual([[1, "PAYLOAD_TOO_LARGE"]]);
    expect(refs()).toEqual([2]);
  });
});

describe("the window", () => {
  test("takes as many as it says, and the next one when one was answered", () => {
    const { outbox, add, open, refs } = bench();
    open({ window: 3 });
    for (let count = 0; count < 5; count += 1) add();
    expect(refs()).toEqual([1, 2, 3]);
    outbox.settle(1, ack(1));
    expect(refs()).toEqual([1, 2, 3, 4]);
    outbox.settle(5, { error: new BowlineError("TIMEOUT", "") });
    expect(refs()).toEqual([1, 2, 3, 4]);
    outbox.settle(2, ack(1));
    outbox.settle(3, ack(1));
    expect(refs()).toEqual([1, 2, 3, 4]);
  });

  test("may be smaller on the next connection", () => {
    const { add, open, drop, refs } = bench();
    open({ window: 3 });
    for (let count = 0; count < 5; count += 1) add();
    drop();
    open({ window: 1 });
    expect(refs()).toEqual([1, 2, 3, 1]);
  });
});

describe("the bounds", () => {
  test("take as many calls as they say, and refuse the next one with OUTBOX_FULL", () => {
    const { outbox, add } = bench({ limits: { count: 3 } });
    for (let count = 0; count < 3; count += 1) add();
    expect(codeOf(() => add())).toBe("OUTBOX_FULL");
    outbox.settle(1, ack(1));
    expect(codeOf(() => add())).toBeUndefined();
  });

  test("take as much text as they say, and refuse one character more", () => {
    const { outbox, add } = bench({ limits: { length: 100 } });
    add(message, "x".repeat(48));
    add(message, "x".repeat(48));
    expect(codeOf(() => add(message, 1))).toBe("OUTBOX_FULL");
    outbox.settle(1, ack(1));
    expect(codeOf(() => add(message, 1))).toBeUndefined();
  });

  test.each([
    ["of one byte each", "x", 1],
    ["of three bytes each", "€", 3],
  ])(
    "take a payload whose frame is as large as the server takes, and no larger: characters %s",
    (_what, character, bytes) => {
      const { add, open, sent } = bench({ limits: { length: 1e6 } });
      open({ payloadBytes: 10_000 });
      // As the frame would be at its longest: with the highest ref there is, and sent again.
      const frame = JSON.stringify({ ...message, ref: Number.MAX_SAFE_INTEGER, payload: "", retry: true });
      const most = Math.floor((10_000 - frame.length) / bytes);
      expect(codeOf(() => add(message, character.repeat(most)))).toBeUndefined();
      expect(codeOf(() => add(message, character.repeat(most + 1)))).toBe("PAYLOAD_TOO_LARGE");
      expect(sent).toHaveLength(1);
    },
  );

  test("are not used up by what was refused", () => {
    const { outbox, add } = bench({ limits: { count: 1, length: 10 } });
    expect(codeOf(() => add(message, "x".repeat(50)))).toBe("OUTBOX_FULL");
    expect(outbox.entries).toEqual([]);
    expect(codeOf(() => add())).toBeUndefined();
  });
});

describe("a client that ends", () => {
  test("tells everybody who waits, and keeps what is not settled", () => {
    const { outbox, add, codes } = bench();
    add();
    add(ask);
    outbox.abandon(new BowlineError("CLOSED", ""));
    outbox.abandon(new BowlineError("CLOSED", ""));
    expect(codes()).toEqual([
      [1, "CLOSED"],
      [2, "CLOSED"],
    ]);
    expect(outbox.entries).toHaveLength(2);
  });

  test("ends every entry where the session is somebody else's", () => {
    const { outbox, add, codes } = bench();
    add();
    add();
    outbox.settleAll(new BowlineError("SESSION_MISMATCH", ""));
    expect(codes()).toEqual([
      [1, "SESSION_MISMATCH"],
      [2, "SESSION_MISMATCH"],
    ]);
    expect(outbox.entries).toEqual([]);
  });
});

describe("the store", () => {
  test("has a publish before it is sent, and as one that may have been", () => {
    const { add, open, changes } = bench();
    open();
    add();
    expect(changes).toMatchObject([
      { type: "session", session: { refs: 1001 } },
      { type: "put", publish: { ref: 1, sent: true } },
    ]);
  });

  test("hears that a publish that had to wait may have been sent, once for all of them", () => {
    const { add, open, changes } = bench();
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
    const { outbox, add, open, changes } = bench();
    open();
    add(ask);
    add();
    outbox.settle(1, { reply: 1 });
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
    const session = { id: "s", secret: "k", generation: 3, refs: 1001, epoch: "e" };
    const initial: StoredState = { session, publishes: [publish(5, true), publish(6, false)] };
    const { outbox, add, open, sent } = bench({ store: { initial, save: () => {} } });
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
    const { add, open, refs } = bench({ store: { initial: null, save } });
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

  test("that refuses a publish has it refused with STORE_FAILED, and reported", async () => {
    const failure = new Error("disk full");
    for (const save of [
      async () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ]) {
      const { add, open, codes, refs, reported } = bench({ store: { initial: null, save } });
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
    const { outbox, add, open, reported } = bench({ store: { initial: null, save } });
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
      const first = bench({ store });
      first.open();
      disk.fails = true;
      expect(codeOf(() => first.add())).toBe("STORE_FAILED");
      disk.fails = false;
      const { ref } = first.add();
      const second = bench({ store: { ...store, initial: disk.state } });
      expect(second.add().ref).toBeGreaterThan(ref);
    });

    test("forgets in the end what was settled meanwhile", () => {
      const { disk, store } = failing();
      const { outbox, add, open } = bench({ store });
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
      const { session, add, open, refs, reported, runLater } = bench({ store });
      add();
      disk.fails = true;
      open(session.enterEpoch("e", 0));
      runLater();
      expect(refs()).toEqual([]);
      expect(reported).toHaveLength(2);
      disk.fails = false;
      runLater();
      expect(refs()).toEqual([1]);
      expect(disk.state?.session.epoch).toBe("e");
    });
  });
});
