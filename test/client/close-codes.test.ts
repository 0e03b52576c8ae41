import { describe, expect, test } from "vitest";
import { closeCodes } from "../../src/protocol/codes.ts";
import { dialBench, welcome } from "../support/dial-bench.ts";

describe("a close code", () => {
  const rows = Object.entries(closeCodes);

  test.each(rows.filter(([, { action }]) => action === "reconnect"))(
    "%s comes back",
    async (_name, { code }) => {
      const it = dialBench();
      await it.open();
      await it.end(code, "text");
      expect(it.connection.status).toMatchObject({ state: "waiting", reason: "text" });
      expect(it.log.slice(5)).toContain("lost");
      await it.clock.advance(500);
      expect(it.dials).toHaveLength(2);
    },
  );

  test.each(rows.filter(([name, { action }]) => action === "stop" && name !== "SESSION_MISMATCH"))(
    "%s stops",
    async (name, { code }) => {
      const it = dialBench();
      await it.open();
      await it.end(code, "text");
      // What only libraries close with, a page has no name for.
      const error = { code: code < 1008 ? `CLOSE_${code}` : name, message: "text" };
      expect(it.connection.status).toMatchObject({ state: "closed", error });
      await it.clock.advance(120_000);
      expect(it.dials).toHaveLength(1);
    },
  );

  test("SESSION_MISMATCH begins a session of its own, at once", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.clock.settle();
    it.dial().listener.opened();
    await it.end(4410);
    expect(it.log).toContain("disowned");
    expect([it.state(), it.dials.length]).toEqual(["connecting", 2]);
  });

  test("that nobody knows is treated by its range", async () => {
    const it = dialBench();
    await it.open();
    await it.end(4499);
    expect(it.connection.status).toMatchObject({ state: "closed", error: { code: "CLOSE_4499" } });
    it.connection.connect();
    await it.succeed();
    await it.end(4999);
    expect(it.connection.status).toMatchObject({ state: "waiting", reason: "closed with 4999" });
  });
});

describe("a token that ran out", () => {
  test("is replaced by a new one at once, without a wait", async () => {
    let token = "old";
    const it = dialBench({ token: () => token });
    await it.open();
    token = "new";
    await it.end(4401);
    expect([it.state(), it.dial().token]).toEqual(["connecting", "new"]);
  });

  test("stops where there is no other, until somebody connects again", async () => {
    const it = dialBench({ token: () => "old" });
    await it.open();
    await it.end(4401);
    expect(it.connection.status).toMatchObject({ state: "closed", error: { code: "TOKEN_EXPIRED" } });
    it.connection.connect();
    await it.succeed();
    expect(it.state()).toBe("open");
  });

  test("tries again where asking for another one fails, and reports that", async () => {
    let fails = false;
    const failure = new Error("no");
    const it = dialBench({
      token: () => {
        if (fails) throw failure;
        return "old";
      },
    });
    await it.open();
    fails = true;
    await it.end(4401);
    expect([it.state(), it.reported]).toEqual(["waiting", [failure]]);
  });

  test("and whose successor is long in coming is no open connection", async () => {
    let hangs = false;
    const it = dialBench({ token: () => (hangs ? new Promise<string>(() => {}) : "old") });
    await it.open();
    hangs = true;
    await it.end(4401);
    expect(it.state()).not.toBe("open");
    expect(it.log.slice(5)).toContain("lost");
  });

  test("and whose successor never comes is asked for again", async () => {
    let hangs = false;
    const it = dialBench({ token: () => (hangs ? new Promise<string>(() => {}) : "old") });
    await it.open();
    hangs = true;
    await it.end(4401);
    await it.clock.advance(15_000);
    hangs = false;
    await it.clock.advance(60_000);
    expect(it.dials.length).toBeGreaterThan(1);
  });
});

describe("a socket that was given up", () => {
  test("is not heard any more, whatever it says", async () => {
    const it = dialBench();
    const old = await it.open();
    it.connection.redial();
    await it.clock.settle();
    const before = it.log.length;
    old.receive(welcome);
    old.receive({ type: "event" });
    old.listener.closed(4403, "kicked");
    old.listener.opened();
    await it.clock.settle();
    expect(it.log.slice(before)).toEqual([]);
    expect([old.closed, it.state()]).toEqual([4501, "connecting"]);
  });

  test("before it opened is told no hello when it does", async () => {
    const it = dialBench();
    it.connection.connect();
    await it.clock.settle();
    const old = it.dial();
    it.connection.redial();
    old.listener.opened();
    await it.clock.settle();
    expect(old.sent).toEqual([]);
  });

  test("while its hello was made ready is told none", async () => {
    let ready = (_hello: string): void => {};
    const it = dialBench({ hello: () => new Promise<string>((resolve) => (ready = resolve)) });
    it.connection.connect();
    await it.clock.settle();
    const old = it.dial();
    old.listener.opened();
    it.connection.close();
    ready("hello");
    await it.clock.settle();
    expect(old.sent).toEqual([]);
  });
});
