import { describe, expect, test } from "vitest";
import { backoffCeilingMs } from "../../src/base/backoff.ts";
import type { Refusal } from "../../src/client/socket.ts";
import { dialBench, heartbeatMs, waitOf, welcome, type DialBench } from "../support/dial-bench.ts";

const backoffCeilingsMs = [0, 1, 2, 3, 4, 5].map(backoffCeilingMs);

describe("connecting", () => {
  test("dials, says hello when the socket is open, and is open when welcomed", async () => {
    const { connection, clock, dial, dials, log, open } = dialBench();
    expect(connection.status).toEqual({ state: "closed", error: null });
    await open();
    expect(log).toEqual(["lost", "connecting", "welcomed while connecting", "open", "opened while open"]);
    expect(dial().sent).toEqual(["hello"]);
    connection.connect();
    await clock.settle();
    expect(dials).toHaveLength(1);
  });

  test("takes a token for each attempt", async () => {
    let count = 0;
    const it = dialBench({ token: async () => `token-${(count += 1)}` });
    await it.open();
    await it.end(1012);
    await it.clock.advance(500);
    expect(it.dials.map(({ token }) => token)).toEqual(["token-1", "token-2"]);
  });

  test("passes on what comes, but for what is its own", async () => {
    const { open, log } = dialBench();
    const dial = await open();
    for (const type of ["ack", "ping", "pong", "confetti"]) dial.receive({ type });
    expect(log.slice(5)).toEqual(["received ack", "received pong", "received confetti"]);
  });

  test("answers a ping", async () => {
    const { open } = dialBench();
    const dial = await open();
    dial.receive({ type: "ping" });
    expect(dial.sent.at(-1)).toBe('{"type":"pong"}');
  });

  test.each([
    ["the socket does not open", async () => {}],
    [
      "no welcome comes",
      async ({ clock, dial }: DialBench) => {
        await clock.settle();
        dial().listener.opened();
      },
    ],
  ])("gives up after 15 seconds where %s", async (_what, begin) => {
    const it = dialBench();
    it.connection.connect();
    await begin(it);
    await it.clock.advance(14_999);
    expect(it.state()).toBe("connecting");
    await it.clock.advance(1);
    expect(it.connection.status).toMatchObject({ state: "waiting", attempt: 1, reason: "no answer in time" });
    expect(it.dial().closed).toBe(4501);
  });

  test("gives up after 15 seconds on a token that does not come, and has no use for it when it does", async () => {
    let give = (_token: string): void => {};
    const it = dialBench({ token: () => new Promise<string>((resolve) => (give = resolve)) });
    it.connection.connect();
    await it.clock.advance(15_000);
    expect(it.state()).toBe("waiting");
    give("late");
    await it.clock.settle();
    expect(it.dials).toHaveLength(0);
  });

  test.each(["a token", "a hello"])("reports that %s could not be had, and tries again", async (what) => {
    const failure = new Error("no");
    const fail = (): Promise<string> => Promise.reject(failure);
    const it = dialBench(what === "a token" ? { token: fail } : { hello: fail });
    it.connection.connect();
    await it.clock.settle();
    it.dials.at(-1)?.listener.opened();
    await it.clock.settle();
    expect(it.reported).toEqual([failure]);
    expect(it.state()).toBe("waiting");
  });

  test("gives a server up that sends what is no frame, reports it, and tries again", async () => {
    const it = dialBench();
    const dial = await it.open();
    dial.listener.received("{");
    expect([it.state(), dial.closed, it.reported.length]).toEqual(["waiting", 4501, 1]);
  });
});

test("a frame that this client fails to handle is reported as that, and ends nothing", async () => {
  const it = dialBench();
  const dial = await it.open();
  const failure = new Error("handling");
  it.net.receiving = () => {
    throw failure;
  };
  dial.receive({ type: "ack" });
  expect([it.state(), dial.closed, it.reported]).toEqual(["open", null, [failure]]);
});

describe("the waits", () => {
  test.each([0, 0.5, 0.999_999])("double up to 30 seconds, with a jitter of %f of each", async (chance) => {
    const it = dialBench();
    it.random.next = chance;
    it.connection.connect();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      await it.end();
      waits.push(waitOf(it));
      expect(it.connection.status).toMatchObject({ state: "waiting", attempt: attempt + 1 });
      await it.clock.advance(waitOf(it));
      expect(it.connection.status).toEqual({ state: "connecting", attempt: attempt + 1 });
    }
    const ceilings = [...backoffCeilingsMs, 30_000, 30_000];
    expect(waits).toEqual(ceilings.map((ceiling) => Math.round(ceiling * chance)));
  });

  test("begin anew only after a connection that was open for 10 seconds", async () => {
    const it = dialBench();
    it.connection.connect();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await it.end();
      await it.clock.advance(waitOf(it));
    }
    await it.succeed();
    await it.clock.advance(9999);
    await it.end();
    expect(waitOf(it)).toBe(4000);
    await it.clock.advance(4000);
    await it.succeed();
    await it.clock.advance(10_000);
    await it.end();
    expect(waitOf(it)).toBe(500);
  });
});

describe("a socket that never opened", () => {
  const refusal = (status: number, retryAfterMs = 0): Refusal => ({
    status,
    code: "CODE",
    message: "because",
    retryAfterMs,
  });

  test.each([401, 403])("and was refused with %i stops, and says why", async (status) => {
    const it = dialBench();
    it.net.refusal = refusal(status);
    it.connection.connect();
    await it.end();
    expect(it.connection.status).toMatchObject({
      state: "closed",
      error: { code: "CODE", message: "because" },
    });
    expect([it.clock.timerCount, it.net.asked]).toEqual([0, 1]);
  });

  test.each([429, 503])(
    "and was refused with %i waits at least as long as it was told, and its own wait more",
    async (status) => {
      const it = dialBench();
      it.net.refusal = refusal(status, 5000);
      it.connection.connect();
      await it.end();
      expect(it.connection.status).toMatchObject({ state: "waiting", reason: "because" });
      expect(waitOf(it)).toBe(5500);
    },
  );

  test("and for which nobody answers waits as usual", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.end();
    expect(waitOf(it)).toBe(500);
  });

  test("is asked about only there: one that had opened needs no asking", async () => {
    const it = dialBench();
    await it.open();
    await it.end();
    expect(it.net.asked).toBe(0);
  });

  test("and whose reason comes after the client was closed changes nothing", async () => {
    const it = dialBench();
    it.net.holdAsk = true;
    it.connection.connect();
    await it.end();
    it.connection.close();
    it.net.answerAsk?.();
    await it.clock.settle();
    expect([it.state(), it.clock.timerCount]).toEqual(["closed", 0]);
  });
});

describe("closing", () => {
  test("closes the socket, stops every timer, and listens to no wake any more", async () => {
    const it = dialBench();
    const dial = await it.open();
    dial.receive({ type: "goaway", delayMs: 1000 });
    it.connection.close();
    expect(it.connection.status).toEqual({ state: "closed", error: null });
    expect([dial.closed, it.clock.timerCount, it.wakes.size]).toEqual([1000, 0, 0]);
  });

  test("while it waits ends the waiting", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.end();
    it.connection.close();
    await it.clock.advance(120_000);
    expect([it.state(), it.dials.length]).toEqual(["closed", 1]);
  });

  test.each(["connecting", "open", "waiting"] as const)(
    "from a listener, when told %s, is for good",
    async (when) => {
      const it = dialBench();
      it.connection.statuses.on(({ state }) => {
        if (state === when) it.connection.close();
      });
      it.connection.connect();
      await it.clock.settle();
      if (when === "open") await it.succeed();
      if (when === "waiting") await it.end();
      await it.clock.advance(120_000);
      expect(it.state()).toBe("closed");
      expect(it.clock.timerCount).toBe(0);
    },
  );

  test("makes the next waits begin anew", async () => {
    const it = dialBench();
    it.connection.connect();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await it.end();
      await it.clock.advance(30_000);
    }
    it.connection.close();
    it.connection.connect();
    expect(it.connection.status).toEqual({ state: "connecting", attempt: 0 });
    await it.end();
    expect(waitOf(it)).toBe(500);
  });

  test("may be followed by connecting", async () => {
    const it = dialBench();
    await it.open();
    it.connection.close();
    await it.open();
    expect([it.state(), it.wakes.size]).toEqual(["open", 1]);
  });
});

describe("silence", () => {
  const limitMs = 2 * heartbeatMs + 5000;

  test.each([
    ["two heartbeats", async () => {}],
    ["an answer after a sleep", async (it: DialBench) => it.wake()],
  ])("is none where this page was held up and what came meanwhile lies there: %s", async (_what, before) => {
    const it = dialBench();
    const dial = await it.open();
    await before(it);
    await it.clock.holdUp(2 * limitMs, () => dial.receive({ type: "ping" }));
    expect([it.state(), it.dials.length]).toEqual(["open", 1]);
    await it.clock.advance(limitMs);
    expect(it.state()).toBe("waiting");
  });

  test("of a dial is none where its welcome lies there", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.clock.settle();
    it.dial().listener.opened();
    await it.clock.holdUp(60_000, () => it.dial().receive(welcome));
    expect([it.state(), it.dials.length]).toEqual(["open", 1]);
  });

  test("for two heartbeats and 5 seconds ends a connection, and not for less", async () => {
    const it = dialBench();
    const dial = await it.open();
    await it.clock.advance(limitMs - 1);
    expect(it.state()).toBe("open");
    await it.clock.advance(1);
    expect(it.connection.status).toMatchObject({
      state: "waiting",
      reason: "nothing was heard for two heartbeats",
    });
    expect(dial.closed).toBe(4501);
  });

  test("is broken by any frame", async () => {
    const it = dialBench();
    const dial = await it.open();
    for (let beat = 0; beat < 5; beat += 1) {
      await it.clock.advance(limitMs - 1);
      dial.receive({ type: "event" });
    }
    expect(it.state()).toBe("open");
  });
});

describe("a server that goes away", () => {
  test("is left at the moment it named, and dialled at once", async () => {
    const it = dialBench();
    const dial = await it.open();
    dial.receive({ type: "goaway", delayMs: 3000 });
    await it.clock.advance(2999);
    expect(it.state()).toBe("open");
    await it.clock.advance(1);
    expect([it.state(), it.dials.length, dial.closed]).toEqual(["connecting", 2, 4501]);
  });

  test("is left no sooner than it answered what it was sent, and takes no calls meanwhile", async () => {
    const it = dialBench();
    const dial = await it.open();
    it.net.awaitsAnswers = true;
    dial.receive({ type: "goaway", delayMs: 3000 });
    await it.clock.advance(2999);
    it.connection.answered();
    expect(it.connection.isLeaving).toBe(false);
    await it.clock.advance(1);
    expect([it.state(), it.connection.isLeaving]).toEqual(["open", true]);
    it.connection.answered();
    expect(it.state()).toBe("open");
    it.net.awaitsAnswers = false;
    it.connection.answered();
    expect([it.state(), dial.closed]).toEqual(["connecting", 4501]);
    await it.succeed();
    expect(it.connection.isLeaving).toBe(false);
  });

  test.each([
    [1000, 5000],
    [5000, 1000],
  ])("and says so again is left at the moment it named last: %i, then %i", async (firstMs, lastMs) => {
    const it = dialBench();
    const dial = await it.open();
    for (const delayMs of [firstMs, lastMs]) dial.receive({ type: "goaway", delayMs });
    await it.clock.advance(lastMs - 1);
    expect(it.state()).toBe("open");
    await it.clock.advance(1);
    expect(it.state()).toBe("connecting");
  });

  test("that is gone before is waited for as usual, and the moment passes unnoticed", async () => {
    const it = dialBench();
    const dial = await it.open();
    dial.receive({ type: "goaway", delayMs: 3000 });
    await it.end(1012);
    await it.clock.advance(500);
    await it.succeed();
    await it.clock.advance(3000);
    expect([it.state(), it.dials.length]).toEqual(["open", 2]);
  });
});

describe("a wake", () => {
  test("ends a wait", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.end();
    it.wake();
    await it.clock.settle();
    expect([it.state(), it.dials.length]).toEqual(["connecting", 2]);
    await it.clock.advance(500);
    expect(it.dials).toHaveLength(2);
  });

  test("asks an open connection for life, and dials anew where none comes within 5 seconds", async () => {
    const it = dialBench();
    const dial = await it.open();
    await it.clock.advance(10);
    it.wake();
    expect(dial.sent.at(-1)).toBe('{"type":"ping"}');
    await it.clock.advance(4999);
    expect(it.state()).toBe("open");
    await it.clock.advance(1);
    expect([it.state(), it.dials.length]).toEqual(["connecting", 2]);
  });

  test("leaves a connection alone that answers", async () => {
    const it = dialBench();
    const dial = await it.open();
    await it.clock.advance(10);
    it.wake();
    await it.clock.advance(100);
    dial.receive({ type: "pong" });
    await it.clock.advance(10_000);
    expect([it.state(), it.dials.length]).toEqual(["open", 1]);
  });

  test("does nothing to an attempt under way", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.clock.settle();
    it.wake();
    await it.clock.settle();
    expect(it.dials).toHaveLength(1);
  });
});
