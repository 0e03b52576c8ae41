import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { answerBytesMax, ledgerLength, publishLedgerLength } from "../../src/server/broker.ts";
import { MemorySessions } from "../../src/server/memory-sessions.ts";
import { FakeClock, FakeRandom } from "../support/fake-clock.ts";

const claim = { session: "s", user: "ada", generation: 1 };
const hour = 3_600_000;

function bench({ ttlMs = hour, max = 100, answersBytesMax = 10 * answerBytesMax } = {}) {
  const clock = new FakeClock();
  const connected = new Set<string>();
  const sessions = new MemorySessions({
    clock,
    random: new FakeRandom(),
    ttlMs,
    max,
    answersBytesMax,
    isConnected: (session) => connected.has(session),
  });
  const ledgerOf = (session: string, generation: number): string | null => {
    const opening = sessions.open({ ...claim, session, generation });
    return opening.outcome === "opened" ? opening.ledger : null;
  };
  return { clock, connected, sessions, ledgerOf };
}

describe("opening a session", () => {
  test("that is new gives it ledgers, and no ref", () => {
    expect(bench().sessions.open(claim)).toMatchObject({ outcome: "opened", ref: 0 });
  });

  test("again with a higher generation gives the same ledgers, and the highest ref carried out", () => {
    const { sessions, ledgerOf } = bench();
    const ledger = ledgerOf("s", 1);
    sessions.carriedOut({ session: "s", ref: 7 });
    sessions.carriedOut({ session: "s", ref: 3 });
    expect(sessions.open({ ...claim, generation: 2 })).toEqual({ outcome: "opened", ledger, ref: 7 });
  });

  test.each([0, 1])("with a generation that is not higher is stale: %i after 1", (generation) => {
    const { sessions } = bench();
    sessions.open(claim);
    expect(sessions.open({ ...claim, generation })).toEqual({ outcome: "stale" });
  });

  test("as another user is a mismatch, and changes nothing", () => {
    const { sessions } = bench();
    sessions.open(claim);
    expect(sessions.open({ ...claim, generation: 9, user: "eve" })).toEqual({ outcome: "mismatch" });
    expect(sessions.open({ ...claim, generation: 2 })).toMatchObject({ outcome: "opened" });
  });
});

describe("a session without a connection", () => {
  test("is forgotten some time after it was last renewed, and then has other ledgers", async () => {
    const { clock, sessions, ledgerOf } = bench();
    const ledger = ledgerOf("s", 1);
    await clock.advance(hour * 0.9);
    sessions.renew(["s", "unknown"]);
    await clock.advance(hour * 0.9);
    expect(ledgerOf("s", 2)).toBe(ledger);
    await clock.advance(hour * 1.5);
    expect(ledgerOf("s", 3)).not.toBe(ledger);
  });

  test("costs no timer once all are forgotten", async () => {
    const { clock, sessions } = bench();
    sessions.open(claim);
    expect(clock.timerCount).toBe(1);
    await clock.advance(hour * 2);
    expect(clock.timerCount).toBe(0);
  });

  test("goes first when there are more than are remembered: the longest not renewed", () => {
    const { sessions, ledgerOf } = bench({ max: 3 });
    const [a, b] = ["a", "b", "c"].map((session) => ledgerOf(session, 1));
    sessions.renew(["a"]);
    ledgerOf("d", 1);
    expect(ledgerOf("a", 2)).toBe(a);
    expect(ledgerOf("b", 2)).not.toBe(b);
  });

  test("counts as renewed when it is opened again", async () => {
    const { clock, sessions, ledgerOf } = bench({ max: 3 });
    const [a] = ["a", "b", "c"].map((session) => ledgerOf(session, 1));
    ledgerOf("a", 2);
    ledgerOf("d", 1);
    expect(ledgerOf("a", 3)).toBe(a);
    await clock.advance(hour * 0.7);
    ledgerOf("a", 4);
    await clock.advance(hour * 0.7);
    expect(sessions.ledger({ session: "a", ref: 1, ledger: a ?? "" })).not.toBeNull();
  });

  test("does not make a connected one go, however many others come, or stand before it", () => {
    const { connected, ledgerOf } = bench({ max: 3 });
    const [a, b] = ["a", "b"].map((session) => ledgerOf(session, 1));
    connected.add("a").add("b");
    for (let other = 0; other < 20; other += 1) ledgerOf(`other ${other}`, 1);
    expect([ledgerOf("a", 2), ledgerOf("b", 2)]).toEqual([a, b]);
  });

  test("is known beyond the bound where all others are connected", () => {
    const { connected, ledgerOf } = bench({ max: 2 });
    const names = ["a", "b", "c", "d"];
    const ledgers = names.map((session) => {
      connected.add(session);
      return ledgerOf(session, 1);
    });
    expect(names.map((session) => ledgerOf(session, 2))).toEqual(ledgers);
  });
});

describe("the ledger of a session's publishes", () => {
  const at = (offset: number) => ({ offset, epoch: "e" });
  const opened = () => {
    const { sessions } = bench();
    sessions.open(claim);
    const find = (room: string, ref: number) =>
      sessions.ledger({ session: "s", ref: 0 })?.find(room, ref)?.offset ?? null;
    const add = (room: string, ref: number) =>
      sessions.ledger({ session: "s", ref: 0 })?.add(room, ref, at(ref * 10));
    const isOvertaken = (room: string, ref: number) =>
      sessions.ledger({ session: "s", ref: 0 })?.isOvertaken(room, ref);
    return { sessions, find, add, isOvertaken };
  };

  test("finds where a ref is stored, in its own room", () => {
    const { find, add } = opened();
    add("r", 4);
    expect(find("r", 4)).toBe(40);
    expect(find("r", 5)).toBeNull();
    expect(find("other", 4)).toBeNull();
  });

  test("is none for an origin of ledgers that were forgotten, and there for one of those it has", () => {
    const { sessions, ledgerOf } = bench();
    const ledger = ledgerOf("s", 1) ?? "";
    expect(sessions.ledger({ session: "s", ref: 1, ledger })).not.toBeNull();
    expect(sessions.ledger({ session: "s", ref: 1, ledger: "forgotten" })).toBeNull();
    expect(sessions.claimRequest({ session: "s", ref: 1, ledger: "forgotten" }).outcome).toBe(
      "unknown-session",
    );
    expect(sessions.claimRequest({ session: "s", ref: 1, ledger }).outcome).toBe("claimed");
    sessions.answerRequest({ session: "s", ref: 1, ledger: "forgotten" }, "of another run");
    expect(sessions.claimRequest({ session: "s", ref: 1, ledger }).outcome).toBe("unanswered");
  });

  test("finds one ref in several rooms, each where it was stored", () => {
    const { sessions } = bench();
    sessions.open(claim);
    const ledger = sessions.ledger({ session: "s", ref: 4 });
    for (const [offset, room] of ["a", "b", "c"].entries()) ledger?.add(room, 4, at(offset));
    expect(["a", "b", "c", "d"].map((room) => ledger?.find(room, 4)?.offset)).toEqual([0, 1, 2, undefined]);
    expect(ledger?.isOvertaken("a", 4)).toBe(false);
  });

  test("is none for a session that is not known", () => {
    expect(bench().sessions.ledger({ session: "s", ref: 0 })).toBeNull();
  });

  test("holds the newest 512, whatever the room, and not one more", () => {
    const { find, add } = opened();
    for (let ref = 1; ref <= publishLedgerLength; ref += 1) add(`room/${ref % 7}`, ref);
    expect(find("room/1", 1)).toBe(10);
    add("r", publishLedgerLength + 1);
    expect(find("room/1", 1)).toBeNull();
    expect(find("room/2", 2)).toBe(20);
  });

  test("tells a ref that a later one in the same room has overtaken", () => {
    const { add, isOvertaken } = opened();
    add("r", 5);
    expect(isOvertaken("r", 4)).toBe(true);
    expect(isOvertaken("r", 6)).toBe(false);
    expect(isOvertaken("other", 4)).toBe(false);
  });

  test("does not pile up, however many rooms one session publishes to", () => {
    const { sessions, add } = opened();
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const heap = (): number => {
      gc();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    for (let ref = 1; ref <= 50_000; ref += 1) add(`room/${ref}`, ref);
    expect((heap() - before) / 1e6).toBeLessThan(3);
    expect(sessions.open({ ...claim, generation: 2 })).toMatchObject({ outcome: "opened" });
  });
});

describe("the ledger of a session's requests", () => {
  const opened = () => {
    const { sessions } = bench();
    sessions.open(claim);
    const ask = (ref: number) => sessions.claimRequest({ session: "s", ref });
    const answer = (ref: number, text: string) => sessions.answerRequest({ session: "s", ref }, text);
    return { sessions, ask, answer };
  };

  test("gives a request to run once", () => {
    const { ask } = opened();
    expect(ask(1)).toEqual({ outcome: "claimed" });
    expect(ask(1)).toEqual({ outcome: "unanswered" });
  });

  test("gives the answer to whoever asks again", () => {
    const { ask, answer } = opened();
    ask(1);
    answer(1, "first");
    answer(1, "second");
    expect(ask(1)).toEqual({ outcome: "answered", answer: "first" });
  });

  test("takes no answer to what was not claimed", () => {
    const { ask, answer } = opened();
    answer(1, "early");
    expect(ask(1)).toEqual({ outcome: "claimed" });
  });

  test("counts a claimed request as carried out", () => {
    const { sessions, ask } = opened();
    ask(5);
    expect(sessions.open({ ...claim, generation: 2 })).toMatchObject({ ref: 5 });
  });

  test("holds the newest 256 answers, and runs none of the older ones again", () => {
    const { ask, answer } = opened();
    for (let ref = 1; ref <= ledgerLength; ref += 1) {
      ask(ref);
      answer(ref, "a");
    }
    expect(ask(1)).toMatchObject({ outcome: "answered" });
    ask(ledgerLength + 1);
    answer(ledgerLength + 1, "a");
    expect(ask(1)).toEqual({ outcome: "unanswered" });
    expect(ask(2)).toMatchObject({ outcome: "answered" });
  });

  test("holds so many bytes of answers, and not one more", () => {
    const { ask, answer } = opened();
    ask(1);
    ask(2);
    answer(1, "x");
    answer(2, "字".repeat((answerBytesMax - 1) / 3));
    expect(ask(1)).toMatchObject({ outcome: "answered" });
    ask(3);
    answer(3, "z");
    expect(ask(1)).toEqual({ outcome: "unanswered" });
    expect(ask(2)).toMatchObject({ outcome: "answered" });
  });

  test("runs no request of a session that is not known", () => {
    expect(bench().sessions.claimRequest({ session: "s", ref: 1 })).toEqual({
      outcome: "unknown-session",
    });
  });
});

test("answers of all sessions together are kept up to a bound, those of the longest silent session go first", () => {
  const { sessions, ledgerOf } = bench({ answersBytesMax: 30 });
  const answer = (session: string, ref: number): void => {
    sessions.claimRequest({ session, ref });
    sessions.answerRequest({ session, ref }, "ten units.");
  };
  const ask = (session: string, ref: number): string => sessions.claimRequest({ session, ref }).outcome;
  for (const session of ["a", "b"]) ledgerOf(session, 1);
  answer("a", 1);
  answer("b", 1);
  answer("a", 2);
  expect([ask("a", 1), ask("a", 2), ask("b", 1)]).toEqual(["answered", "answered", "answered"]);
  answer("a", 3);
  expect([ask("a", 1), ask("a", 2), ask("a", 3), ask("b", 1)]).toEqual([
    "answered",
    "answered",
    "answered",
    "unanswered",
  ]);
});
