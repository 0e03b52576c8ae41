import { describe, expect, test } from "vitest";
import { Session } from "../../src/client/session.ts";
import type { StoredSession } from "../../src/client/store.ts";
import type { JoinRequest } from "../../src/protocol/frames.ts";
import { FakeRandom } from "../support/fake-clock.ts";

const stored: StoredSession = {
  secret: "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9",
  id: "s",
  generation: 4,
  refs: 2001,
  ledger: "e",
  user: "ada",
  userRef: 0,
};
const open = (initial: StoredSession | null, random = new FakeRandom()) =>
  new Session(initial, { random, whose: () => null, calls: { disown: () => {} } });
const fresh = () => open(null);
const welcomed = (session: Session, ledger: string, ref = 0) => ({
  lost: session.welcomed({ session: "s", user: "ada", ledger, ref })?.lost,
  changes: session.takeChanges(),
});
const hello = (session: Session, rooms: readonly JoinRequest[]) => ({
  frame: session.hello(rooms),
  changes: session.takeChanges(),
});
const takeRef = (session: Session) => ({ ref: session.takeRef(), changes: session.takeChanges() });

describe("a session", () => {
  test("that is new has a secret of its own, and no id before a server tells it", () => {
    const random = new FakeRandom();
    const [a, b] = [open(null, random), open(null, random)];
    const { secret } = hello(a, []).frame;
    expect(secret).toHaveLength(36);
    expect(hello(b, []).frame.secret).not.toBe(secret);
    expect([a.stored.id, a.idOf(1)]).toEqual([null, null]);
    expect(a.stored.ledger).toBe("");
  });

  test("that a store brought back goes on where it was", () => {
    const session = open(stored);
    expect(session.idOf(7)).toBe("s-7");
    expect(hello(session, []).frame).toEqual({
      type: "hello",
      secret: stored.secret,
      generation: 5,
      rooms: [],
    });
    expect(takeRef(session).ref).toBe(2001);
  });

  test("raises its generation with each hello, and has it stored before", () => {
    const session = fresh();
    const rooms = [{ room: "r" }];
    const [first, second] = [hello(session, rooms), hello(session, [])];
    expect([first.frame.generation, second.frame.generation]).toEqual([1, 2]);
    expect(first.frame.rooms).toBe(rooms);
    expect(second.changes).toMatchObject([{ type: "session", session: { generation: 2 } }]);
  });
});

describe("refs", () => {
  test("rise from 1, and are reserved in the store a block at a time", () => {
    const session = fresh();
    const taken = Array.from({ length: 1002 }, () => takeRef(session));
    expect(taken.map(({ ref }) => ref)).toEqual(Array.from({ length: 1002 }, (_, index) => index + 1));
    const reserving = taken.filter(({ changes }) => changes.length > 0);
    expect(reserving.map(({ ref }) => ref)).toEqual([1, 1001]);
    expect(reserving[1]?.changes).toMatchObject([{ session: { refs: 2001 } }]);
  });

  test("are never used twice, also where the last process used only part of its block", () => {
    const session = fresh();
    const { changes } = takeRef(session);
    const [change] = changes;
    const next = open((change as { session: StoredSession }).session);
    expect(takeRef(next).ref).toBeGreaterThanOrEqual(1001);
  });

  test.each([
    [2000, null],
    [2001, true],
    [9000, true],
  ])("that the server knows up to %i mean that the store is an older copy: %j", (ref, copied) => {
    const disowned: string[] = [];
    const session = new Session(stored, {
      random: new FakeRandom(),
      whose: () => null,
      calls: { disown: (it) => void disowned.push(it) },
    });
    const { secret } = session.stored;
    const outcome = session.welcomed({ session: "s", user: "ada", ledger: "e", ref });
    const isLeft = session.stored.secret !== secret;
    expect([outcome === null, isLeft, disowned]).toEqual(
      copied ? [true, true, ["UNCERTAIN"]] : [false, false, []],
    );
    expect(takeRef(session).ref).toBe(2001);
  });
});

describe("the ledger of a welcome", () => {
  test("is stored when it is the first, and nothing is lost", () => {
    const { lost, changes } = welcomed(fresh(), "e");
    expect(lost).toBe(false);
    expect(changes).toMatchObject([{ session: { ledger: "e" } }]);
  });

  test("that is the same changes nothing", () => {
    expect(welcomed(open(stored), "e", 7)).toMatchObject({
      lost: false,
      changes: [],
    });
  });

  test("that is another one means that the ledgers are lost", () => {
    const session = open(stored);
    expect(welcomed(session, "f").lost).toBe(true);
    expect(session.stored.ledger).toBe("f");
    expect(welcomed(session, "f").lost).toBe(false);
  });
});
