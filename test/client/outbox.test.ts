import { describe, expect, test } from "vitest";
import { BowlineError } from "../../src/protocol/errors.ts";
import { promisesDone } from "../support/fake-clock.ts";
import { ack, ask, askAgain, codeOf, message, outboxBench } from "../support/outbox-bench.ts";

describe("what is asked", () => {
  test("is sent at once while the connection is open", () => {
    const { add, open, sent } = outboxBench();
    open();
    add(message, { text: "hi" });
    add(ask, null);
    expect(sent).toEqual([
      { type: "publish", ref: 1, room: "r", event: "message", payload: { text: "hi" } },
      { type: "request", ref: 2, request: "ask", payload: null },
    ]);
  });

  test("waits while it is not, and is then sent in order", () => {
    const { add, open, refs } = outboxBench();
    for (let count = 0; count < 5; count += 1) add();
    expect(refs()).toEqual([]);
    open();
    expect(refs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("has the payload it was given, whatever becomes of that later", () => {
    const { add, open, sent } = outboxBench();
    const payload = { text: "before" };
    add(message, payload);
    payload.text = "after";
    open();
    expect(sent[0]?.payload).toEqual({ text: "before" });
  });

  test("is told once how it ended", () => {
    const { outbox, add, open, outcomes } = outboxBench();
    open();
    add();
    outbox.settle(1, ack(9));
    outbox.settle(1, ack(10));
    outbox.settle(77, ack(1));
    expect(outcomes).toEqual([[1, ack(9)]]);
  });

  test("goes through its fates", () => {
    const { outbox, add, open, fates } = outboxBench();
    add();
    open();
    outbox.settle(1, ack(1));
    expect(fates).toEqual(["1 queued", "1 sent", "1 settled"]);
  });
});

describe("whoever is told that a call was sent", () => {
  test("may make another one: each goes out once, in order", () => {
    const { add, open, refs, reaction } = outboxBench();
    reaction.on = (fate) => void (fate === "1 sent" && add());
    for (let count = 0; count < 3; count += 1) add();
    open();
    expect(refs()).toEqual([1, 2, 3, 4]);
  });

  test("may close or reconnect: the others were not sent", () => {
    const { outbox, add, open, drop, refs, reaction } = outboxBench();
    reaction.on = (fate) => void (fate === "1 sent" && drop());
    for (let count = 0; count < 3; count += 1) add();
    open();
    expect(refs()).toEqual([1]);
    expect(outbox.queue.map(({ sent }) => sent)).toEqual([true, false, false]);
  });
});

describe("a call that was given up", () => {
  test("is over at once where it is not under way", () => {
    const { outbox, add, open, drop, codes } = outboxBench();
    add(ask);
    outbox.expire(1);
    outbox.expire(77);
    open();
    add(ask);
    drop();
    open({ window: 0 });
    outbox.expire(2);
    expect(codes()).toEqual([
      [1, "TIMEOUT"],
      [2, "UNCERTAIN"],
    ]);
    expect(outbox.queue).toEqual([]);
  });

  test("keeps its place in the window until the server has answered it", () => {
    const { outbox, add, open, refs, outcomes, codes } = outboxBench();
    open({ window: 2 });
    for (let count = 0; count < 3; count += 1) add(ask);
    outbox.expire(1);
    expect([codes(), refs()]).toEqual([[[1, "UNCERTAIN"]], [1, 2]]);
    outbox.settle(1, { payload: "late" });
    expect([outcomes.length, refs()]).toEqual([1, [1, 2, 3]]);
  });

  test("is not sent again, and leaves its place, over a new connection", () => {
    const { outbox, add, open, drop, refs, outcomes } = outboxBench();
    open({ window: 1 });
    add(ask);
    add(ask);
    outbox.expire(1);
    drop();
    open({ window: 1 });
    expect([outcomes.length, refs()]).toEqual([1, [1, 2]]);
  });
});

describe("over a new connection", () => {
  test("what was not answered is sent again in order, publishes as a retry", () => {
    const { outbox, add, open, drop, sent } = outboxBench();
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
    const { add, open, drop, sent, codes } = outboxBench();
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
    const { outbox, add, open, refs } = outboxBench();
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
    const { session, add, open, refs } = outboxBench({
      store: {
        initial: null,
        save: ([change]) => (change?.type === "session" && isOpening ? saving : undefined),
      },
    });
    add();
    isOpening = true;
    open(session.welcomed({ session: "s", user: "ada", ledger: "e", ref: 0 }) ?? {});
    await promisesDone();
    expect(refs()).toEqual([]);
    save();
    await promisesDone();
    expect(refs()).toEqual([1]);
  });

  test("whose server takes less, what is too large for it is refused, and the rest is sent", () => {
    const { add, open, refs, codes } = outboxBench();
    add(message, "x".repeat(20_000));
    add(message, "small");
    open({ payloadBytes: 16_384 });
    expect(codes()).toEqual([[1, "PAYLOAD_TOO_LARGE"]]);
    expect(refs()).toEqual([2]);
  });
});

test("what was sent and is too large for the next server is uncertain", () => {
  const { add, open, drop, codes } = outboxBench();
  open();
  add(message, "x".repeat(20_000));
  drop();
  add(message, "y".repeat(20_000));
  open({ payloadBytes: 16_384 });
  expect(codes()).toEqual([
    [1, "UNCERTAIN"],
    [2, "PAYLOAD_TOO_LARGE"],
  ]);
});

test.each([
  ["a function", () => {}],
  ["a symbol", Symbol("s")],
  ["a BigInt", 1n],
])("a payload that JSON can't hold is refused, and takes no ref: %s", (_what, payload) => {
  const { outbox, add, session } = outboxBench();
  expect(() => add(message, payload)).toThrow(TypeError);
  expect([outbox.queue, session.takeRef()]).toEqual([[], 1]);
});

describe("the window", () => {
  test("takes as many as it says, and the next one when one was answered", () => {
    const { outbox, add, open, refs } = outboxBench();
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
    const { add, open, drop, refs } = outboxBench();
    open({ window: 3 });
    for (let count = 0; count < 5; count += 1) add();
    drop();
    open({ window: 1 });
    expect(refs()).toEqual([1, 2, 3, 1]);
  });
});

describe("the bounds", () => {
  test("take as many calls as they say, and refuse the next one with OUTBOX_FULL", () => {
    const { outbox, add } = outboxBench({ limits: { count: 3 } });
    for (let count = 0; count < 3; count += 1) add();
    expect(codeOf(() => add())).toBe("OUTBOX_FULL");
    outbox.settle(1, ack(1));
    expect(codeOf(() => add())).toBeUndefined();
  });

  test("take as much text as they say, and refuse one character more", () => {
    const { outbox, add } = outboxBench({ limits: { length: 100 } });
    add(message, "x".repeat(48));
    add(message, "x".repeat(48));
    expect(codeOf(() => add(message, 1))).toBe("OUTBOX_FULL");
    outbox.settle(1, ack(1));
    expect(codeOf(() => add(message, 1))).toBeUndefined();
  });

  test("refuse for good what is longer by itself, and say which option it was otherwise", () => {
    const { add } = outboxBench({ limits: { count: 1, length: 100 } });
    const refused = { code: "PAYLOAD_TOO_LARGE", retryable: false };
    expect(() => add(message, "x".repeat(99))).toThrow(expect.objectContaining(refused));
    add(message, "x".repeat(98));
    expect(() => add(message, "x".repeat(99))).toThrow(expect.objectContaining(refused));
    expect(() => add()).toThrow(/outbox\.count or outbox\.length/);
  });

  test("do not guess what a server takes before it has said so", () => {
    const { outbox, add, open, refs, codes } = outboxBench({ limits: { length: 1e7 } });
    for (const length of [900_000, 1_100_000, 10]) add(message, "x".repeat(length));
    expect(outbox.queue).toHaveLength(3);
    open({ payloadBytes: 1024 * 1024 });
    expect(codes()).toEqual([[2, "PAYLOAD_TOO_LARGE"]]);
    expect(refs()).toEqual([1, 3]);
  });

  test.each([
    ["of one byte each", "x", 1],
    ["of three bytes each", "€", 3],
  ])(
    "take a payload whose frame is as large as the server takes, and no larger: characters %s",
    (_what, character, bytes) => {
      const { add, open, sent } = outboxBench({ limits: { length: 1e6 } });
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
    const { outbox, add } = outboxBench({ limits: { count: 1, length: 10 } });
    expect(codeOf(() => add(message, "x".repeat(50)))).toBe("PAYLOAD_TOO_LARGE");
    expect(outbox.queue).toEqual([]);
    expect(codeOf(() => add())).toBeUndefined();
  });
});

describe("a client that ends", () => {
  test("tells everybody who waits, and keeps what is not settled", () => {
    const { outbox, add, codes } = outboxBench();
    add();
    add(ask);
    outbox.abandon(new BowlineError("CLOSED", ""));
    outbox.abandon(new BowlineError("CLOSED", ""));
    expect(codes()).toEqual([
      [1, "CLOSED"],
      [2, "CLOSED"],
    ]);
    expect(outbox.queue).toHaveLength(2);
  });

  test("ends every entry where the session is somebody else's: what was sent may have been carried out", () => {
    const { outbox, add, open, drop, codes } = outboxBench();
    open();
    add();
    drop();
    add();
    outbox.disown("SESSION_MISMATCH");
    expect(codes()).toEqual([
      [1, "UNCERTAIN"],
      [2, "SESSION_MISMATCH"],
    ]);
    expect(outbox.queue).toEqual([]);
  });
});
