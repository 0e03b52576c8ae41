import { describe, expect, test, vi } from "vitest";
import { Emitter } from "../../src/base/emitter.ts";
import { checkJoinOptions } from "../../src/client/help.ts";
import type { JoinOptions } from "../../src/client/join-options.ts";
import { forbidden, roomBench as bench, tooLarge } from "../support/room-bench.ts";

describe("joining", () => {
  test("asks with what was wanted, once", () => {
    const { room, sent } = bench({
      history: 5,
      presence: { name: "Ada" },
      position: { offset: 3, epoch: "e" },
    });
    room.join();
    room.join();
    expect(sent).toEqual([
      { type: "join", room: "r", history: 5, presence: { name: "Ada" }, position: { offset: 3, epoch: "e" } },
    ]);
  });

  test("asks for nothing that was not wanted", () => {
    const { room, sent } = bench();
    room.join();
    expect(sent).toEqual([{ type: "join", room: "r" }]);
  });

  test("waits for the connection", () => {
    const { offline, online, types } = bench();
    offline();
    online();
    expect(types()).toEqual(["join"]);
  });

  test("that is answered is told, with its position", async () => {
    const { room, joined, log, face } = bench();
    room.join();
    const entered = face.joined();
    joined(7);
    await entered;
    expect([log, room.position]).toEqual([["joined"], { offset: 7, epoch: "e" }]);
    await face.joined();
  });

  test("that is refused is told, and asked again on the next connection", async () => {
    const { room, log, offline, online, types, face } = bench();
    room.join();
    const entered = face.joined();
    room.receiveError("join", forbidden);
    await expect(entered).rejects.toMatchObject({ code: "FORBIDDEN", room: "r" });
    await expect(face.joined()).rejects.toMatchObject({ code: "FORBIDDEN", room: "r" });
    expect(log).toEqual(["refused", "error FORBIDDEN"]);
    offline();
    online();
    expect(types()).toEqual(["join", "join"]);
  });

  test("that is larger than the server takes is refused here", () => {
    const { room, client, log } = bench({ presence: "x".repeat(100) });
    client.lengthMax = 100;
    for (let count = 0; count < 2; count += 1) room.join();
    expect(log).toEqual(Array.from({ length: 2 }, () => ["refused", "error PAYLOAD_TOO_LARGE"]).flat());
  });

  test("that is waited for leaves nobody listening, however it ends", async () => {
    for (const end of ["joined", "refused", "left"]) {
      const { room, face, joined, leave } = bench();
      let listening = 0;
      // oxlint-disable-next-line typescript/unbound-method
      const { on } = Emitter.prototype;
      const counted = vi.spyOn(Emitter.prototype, "on").mockImplementation(function (
        this: Emitter<unknown>,
        it,
      ) {
        listening += 1;
        const undo = on.call(this, it);
        return () => {
          listening -= 1;
          undo();
        };
      });
      room.join();
      const waiting = face.joined().catch(() => {});
      expect(listening).toBe(1);
      if (end === "joined") joined();
      else if (end === "refused") room.receiveError("join", forbidden);
      else leave();
      await waiting;
      await face.joined().catch(() => {});
      counted.mockRestore();
      expect([end, listening]).toEqual([end, 0]);
    }
  });

  test("of a client that has stopped is not waited for, and is made when it connects again", async () => {
    const { room, face, log, types, joined, online, offline } = bench();
    const waiting = expect(face.joined()).rejects.toMatchObject({ code: "FORBIDDEN" });
    room.lost(forbidden);
    await waiting;
    await expect(face.joined()).rejects.toMatchObject({ code: "FORBIDDEN" });
    offline();
    room.begin();
    expect(log).toEqual(["refused", "joining"]);
    online();
    expect(types()).toEqual(["join"]);
    joined();
    await face.joined();
  });

  test("that was left is over when the client stops", () => {
    const { room, log, leave } = bench();
    room.join();
    leave();
    room.lost(forbidden);
    expect(log).toEqual(["left", "forgotten"]);
  });

  test.each([
    ["history", { history: Infinity }],
    ["history", { history: 1.5 }],
    ["history", { history: -1 }],
    ["history", { history: "5" }],
    ["position", { position: { offset: -1, epoch: "e" } }],
    ["position", { position: { offset: 1 } }],
    ["position", { position: 7 }],
  ])("with a %s that is none throws: %j", (option, options) => {
    expect(() => checkJoinOptions(options as JoinOptions)).toThrow(new RegExp(`^${option} must be`));
  });

  test("is not undone by what else is refused", () => {
    const { room, joined, log } = bench();
    room.join();
    room.receiveError("signal", forbidden);
    joined();
    expect(log).toEqual(["error FORBIDDEN", "joined"]);
  });
});

describe("leaving", () => {
  test("tells the server, hears nothing more, and is over when it answers", async () => {
    const { room, joined, left, event, heard, log, types, face, leave } = bench();
    room.join();
    joined();
    leave();
    leave();
    event(1);
    left();
    expect(types()).toEqual(["join", "leave"]);
    expect(log).toEqual(["joined", "left", "forgotten"]);
    expect(heard).toEqual([]);
    await expect(face.joined()).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("while the join is on its way leaves as well, and passes its answer over", () => {
    const { room, joined, left, log, types, leave } = bench();
    room.join();
    leave();
    joined();
    left();
    expect(types()).toEqual(["join", "leave"]);
    expect(log).toEqual(["left", "forgotten"]);
  });

  test("while offline needs no frame", () => {
    const { offline, types, log, leave } = bench();
    offline();
    leave();
    expect([types(), log]).toEqual([[], ["left", "forgotten"]]);
  });

  test("that the connection did not live to answer is over with it", () => {
    const { room, joined, offline, log, leave } = bench();
    room.join();
    joined();
    leave();
    offline();
    expect(log.at(-1)).toBe("forgotten");
  });

  test("rejects who waits to be in", async () => {
    const { room, face, leave } = bench();
    room.join();
    const entered = face.joined();
    leave();
    await expect(entered).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("joining again", () => {
  test("after a lost connection reads on from the last position", () => {
    const { room, joined, event, offline, online, sent, log } = bench({ history: 9 });
    room.join();
    joined();
    event(1);
    event(2);
    offline();
    online();
    expect(sent.at(-1)).toMatchObject({ type: "join", position: { offset: 2, epoch: "e" } });
    expect(log).toEqual(["joined", "joining"]);
  });
});

describe("events", () => {
  const entered = (offset = 0) => {
    const it = bench();
    it.room.join();
    it.joined(offset);
    return it;
  };

  test("are heard once each, in order, with their position", () => {
    const { event, heard, room } = entered(4);
    for (const offset of [5, 5, 4, 6, 1, 6, 7]) event(offset);
    expect(heard).toEqual([5, 6, 7]);
    expect(room.position).toEqual({ offset: 7, epoch: "e" });
  });

  test("up to the end that the room had are replayed, and those after it are not", () => {
    const { room, face, turn } = bench({ history: 2 });
    const replayed: boolean[] = [];
    face.on("n", (message: { replayed: boolean }) => void replayed.push(message.replayed));
    room.join();
    room.receive({ type: "joined", room: "r", position: { offset: 0, epoch: "e" }, head: 2 });
    turn();
    const rest = { type: "event", room: "r", id: "x", event: "n", from: "ada", at: 5, payload: 0 } as const;
    for (const offset of [1, 2, 3]) room.receive({ ...rest, offset });
    expect(replayed).toEqual([true, true, false]);
    room.receive({ type: "gap", room: "r", position: { offset: 7, epoch: "e" }, head: 8, reason: "trimmed" });
    for (const offset of [8, 9]) room.receive({ ...rest, offset });
    expect(replayed.slice(3)).toEqual([true, false]);
  });

  test("nobody listens to move the position on all the same", () => {
    const { event, room } = entered();
    event(1, "other");
    expect(room.position?.offset).toBe(1);
  });

  test("after a hole are not heard: the connection begins again", () => {
    const { event, heard, log, room } = entered();
    event(1);
    event(3);
    expect([heard, log.at(-1), room.position?.offset]).toEqual([[1], "resync", 1]);
  });

  test("after a gap go on from its position", () => {
    const { event, gap, heard, log } = entered();
    event(1);
    gap(10);
    event(11);
    expect(heard).toEqual([1, 11]);
    expect(log.at(-1)).toBe("gap trimmed 10");
  });

  test("of a new log count from its beginning, also where that is further back", () => {
    const { event, gap, heard, room } = entered(50);
    gap(0, "f");
    event(1);
    expect(heard).toEqual([1]);
    expect(room.position).toEqual({ offset: 1, epoch: "f" });
  });

  test("are heard by every listener, whatever another one throws", () => {
    const { event, heard, log, face } = entered();
    face.on("n", () => {
      throw new Error("listener");
    });
    event(1);
    event(2);
    expect(heard).toEqual([1, 2]);
    expect(log.filter((entry) => entry.startsWith("reported"))).toHaveLength(2);
  });

  test("before the join was answered are not heard", () => {
    const { room, event, gap, heard, log } = bench();
    room.join();
    event(1);
    gap(5);
    expect([heard, log]).toEqual([[], []]);
  });
});

describe("signals", () => {
  test("of others are heard, one's own are not", () => {
    const { room, joined, signal, face } = bench();
    const heard: string[] = [];
    face.on("typing", ({ session }: { session: string }) => void heard.push(session));
    room.join();
    signal("early");
    joined();
    signal("me");
    signal("you");
    expect(heard).toEqual(["you"]);
  });

  test("are sent while in the room, and dropped otherwise", () => {
    const { room, joined, offline, types } = bench();
    room.join();
    room.sendPayload("signal", "1", "typing");
    joined();
    room.sendPayload("signal", "null", "typing");
    offline();
    room.sendPayload("signal", "1", "typing");
    expect(types()).toEqual(["join", "signal"]);
  });
});

test("a signal whose payload JSON can't hold throws, and sends nothing", () => {
  const { room, joined, types, face } = bench();
  room.join();
  joined();
  expect(() => face.publish("typing", () => {})).toThrow("JSON can't hold a function");
  expect(types()).toEqual(["join"]);
});

describe("presence", () => {
  const ada = { session: "a", user: "ada", state: 1 };
  const bob = { session: "b", user: "bob", state: 1 };

  test("has everybody who is there, as it is told", () => {
    const { room, face, leave } = bench();
    const sizes: number[] = [];
    face.presence.onChange((members) => sizes.push(members.size));
    room.join();
    room.receive({ type: "joined", room: "r", position: { offset: 0, epoch: "e" }, head: 0, members: [ada] });
    room.receive({ type: "presence", room: "r", set: [bob, { ...ada, state: 2 }] });
    expect([...room.presence.members.values()]).toEqual([{ ...ada, state: 2 }, bob]);
    room.receive({ type: "presence", room: "r", gone: ["a", "nobody"] });
    room.receive({ type: "presence", room: "r", members: [ada] });
    expect([...room.presence.members.keys()]).toEqual(["a"]);
    leave();
    expect(sizes).toEqual([1, 2, 1, 1, 0]);
  });

  test("that is set is sent now, or with the join", () => {
    const { room, joined, offline, online, sent } = bench({ presence: 1 });
    room.join();
    joined();
    room.presence.set(2);
    offline();
    room.presence.set(3);
    online();
    expect(sent.map((frame) => frame["presence"] ?? frame["payload"])).toEqual([1, 2, 3]);
  });

  test("that is set while the join is on its way is sent after it", () => {
    const { room, joined, sent } = bench({ presence: 1 });
    room.join();
    room.presence.set(2);
    joined();
    expect(sent.at(-1)).toEqual({ type: "presence", room: "r", payload: 2 });
  });

  test("that JSON can't hold is refused where it is given, and leaves the one before", () => {
    expect(() => bench({ presence: 1n })).toThrow(TypeError);
    const { room, joined, offline, online, sent } = bench({ presence: 1 });
    room.join();
    expect(() => room.presence.set(1n)).toThrow(TypeError);
    joined();
    expect(() => room.presence.set(() => {})).toThrow(TypeError);
    offline();
    online();
    expect(sent.map((frame) => frame["presence"])).toEqual([1, 1]);
  });

  test("of undefined is null, and is kept as it was given, whatever becomes of that later", () => {
    const state = { name: "Ada" };
    const { room, joined, sent } = bench({ presence: state });
    state.name = "Bob";
    room.join();
    joined();
    room.presence.set(undefined);
    expect(sent).toEqual([
      { type: "join", room: "r", presence: { name: "Ada" } },
      { type: "presence", room: "r", payload: null },
    ]);
  });

  test("larger than the server takes throws; set while the join is on its way, it is told as the room's error", () => {
    const { room, client, joined, offline, online, sent, log } = bench({ presence: 1 });
    client.lengthMax = 100;
    room.join();
    room.presence.set("x".repeat(100));
    joined();
    expect(() => room.presence.set("y".repeat(100))).toThrow(tooLarge);
    offline();
    online();
    expect(log).toEqual(["joined", "error PAYLOAD_TOO_LARGE", "joining"]);
    expect(sent.map((frame) => frame["presence"])).toEqual([1, 1]);
  });

  test("larger than the server takes and set while offline does not keep the room from being joined", () => {
    const { room, client, joined, offline, online, sent, log } = bench({ presence: 1 });
    offline();
    client.lengthMax = 100;
    room.presence.set("x".repeat(100));
    online();
    joined();
    offline();
    online();
    expect(log).toEqual(["error PAYLOAD_TOO_LARGE", "joined", "joining"]);
    expect(sent.map((frame) => frame["presence"])).toEqual([1, 1]);
  });

  test("is nobody's any more where a join is refused", () => {
    const { room, offline, online } = bench();
    room.join();
    room.receive({ type: "joined", room: "r", position: { offset: 0, epoch: "e" }, head: 0, members: [ada] });
    offline();
    online();
    expect(room.presence.count).toBe(1);
    room.receiveError("join", forbidden);
    expect(room.presence.count).toBe(0);
  });

  test("that was refused does not spoil the next join", () => {
    const { room, joined, offline, online, sent } = bench({ presence: 1 });
    room.join();
    joined();
    room.presence.set("bad");
    room.receiveError("presence", forbidden);
    offline();
    online();
    expect(sent.at(-1)).toMatchObject({ type: "join", presence: 1 });
  });
});
