import * as z from "zod";
import { describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client-types.ts";
import { contract, event, room, signal } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.number()), typing: signal(z.number()) },
      presence: z.any(),
      history: { count: 100 },
    }),
  },
});

async function bench() {
  const pair = await new Pair(chat).start();
  const ada = await pair.openClient();
  const publish = async (...numbers: number[]): Promise<void> => {
    await pair.clock.settle();
    for (const n of numbers) await pair.server.publish("chat/a", "message", n);
    await pair.clock.settle();
  };
  /** The frames about rooms that the client sent. */
  const sent = (): string[] =>
    pair.links.flatMap(({ toServer }) => toServer.map(({ type }) => type)).filter((type) => type !== "hello");
  return { pair, ada, publish, sent };
}

type Lobby = ReturnType<Client<typeof chat>["join"]>;

function listen(lobby: Lobby): number[] {
  const heard: number[] = [];
  lobby.on("message", ({ payload }) => heard.push(payload));
  return heard;
}

describe("a room that is joined several times", () => {
  test("is one on the wire, and is left when the last one leaves", async () => {
    const { pair, ada, publish, sent } = await bench();
    const [one, two] = [ada.join("chat/a"), ada.join("chat/a")];
    expect(one).not.toBe(two);
    const [heardByOne, heardByTwo] = [listen(one), listen(two)];
    await publish(1);
    one.leave();
    one.leave();
    await publish(2);
    expect([heardByOne, heardByTwo]).toEqual([[1], [1, 2]]);
    expect([one.status.state, two.status.state]).toEqual(["left", "joined"]);
    expect([one.position?.offset, two.position?.offset]).toEqual([1, 2]);
    expect(sent()).toEqual(["join"]);
    two.leave();
    await publish(3);
    expect(heardByTwo).toEqual([1, 2]);
    expect(sent()).toEqual(["join", "leave"]);
    expect(pair.server.stats().rooms).toBe(0);
  });

  test("and left and joined in one turn never was away: no frame, no flicker", async () => {
    const { ada, publish, sent, pair } = await bench();
    const first = ada.join("chat/a", { history: 5, presence: 1 });
    first.leave();
    const second = ada.join("chat/a", { history: 5, presence: 1 });
    const states: string[] = [second.status.state];
    second.onStatus(({ state }) => states.push(state));
    const heard = listen(second);
    await publish(1);
    second.leave();
    const third = ada.join("chat/a", { presence: 1 });
    const heardByThird = listen(third);
    expect(third.status.state).toBe("joined");
    await third.joined();
    await publish(2);
    expect([states, heard, heardByThird]).toEqual([["joining", "joined", "left"], [1], [2]]);
    expect(sent()).toEqual(["join"]);
    expect((await pair.broker.members("chat/a", 10)).count).toBe(1);
  });

  test("and left and joined in one turn has the state it had, however much of the past is asked for", async () => {
    for (const options of [
      {},
      { history: 5 },
      { presence: undefined },
      { history: 5, presence: undefined },
    ]) {
      const { pair, ada } = await bench();
      const first = ada.join("chat/a", { presence: "one" });
      await pair.clock.settle();
      first.leave();
      ada.join("chat/a", options);
      await pair.clock.settle();
      expect((await pair.broker.members("chat/a", 10)).list, JSON.stringify(options)).toMatchObject([
        { state: "one" },
      ]);
    }
  });

  test("and joined in a later turn than it was left has no state but one that is given", async () => {
    const { pair, ada } = await bench();
    const first = ada.join("chat/a", { presence: "one" });
    await pair.clock.settle();
    pair.lastLink.hold();
    first.leave();
    await pair.clock.settle();
    ada.join("chat/a", { history: 5 });
    pair.lastLink.release();
    await pair.clock.settle();
    expect((await pair.broker.members("chat/a", 10)).list).toEqual([]);
  });

  test("and left in one turn with the client closed is left for all to see", async () => {
    const { ada, pair, sent } = await bench();
    const lobby = ada.join("chat/a", { presence: 1 });
    await pair.clock.settle();
    lobby.leave();
    ada.close();
    await pair.clock.settle();
    expect(sent()).toEqual(["join", "leave"]);
    expect((await pair.broker.members("chat/a", 10)).count).toBe(0);
  });

  test("joined again while the leave is under way waits for its answer", async () => {
    const { pair, ada, publish, sent } = await bench();
    ada.join("chat/a").leave();
    await pair.clock.settle();
    const first = ada.join("chat/a");
    await pair.clock.settle();
    pair.lastLink.hold();
    first.leave();
    await pair.clock.settle();
    const heard = listen(ada.join("chat/a"));
    await pair.clock.settle();
    expect(sent().slice(-2)).toEqual(["join", "leave"]);
    pair.lastLink.release();
    await publish(1);
    expect([sent().at(-1), heard]).toEqual(["join", [1]]);
  });

  test("has one presence state: that of the last one who set it", async () => {
    const { pair, ada, sent } = await bench();
    const one = ada.join("chat/a", { presence: "one" });
    await pair.clock.settle();
    ada.join("chat/a");
    ada.join("chat/a", { presence: "one" });
    const two = ada.join("chat/a", { presence: "two" });
    await pair.clock.settle();
    const states = (): unknown[] => [...two.presence.members.values()].map(({ state }) => state as unknown);
    expect([states(), sent()]).toEqual([["two"], ["join", "presence"]]);
    two.leave();
    one.presence.set("three");
    await pair.clock.settle();
    expect([...one.presence.members.values()].map(({ state }) => state as unknown)).toEqual(["three"]);
    expect([states(), two.presence.count]).toEqual([[], 0]);
  });
});

describe("who joins later", () => {
  test("gets the history it asks for, in front of what comes, and nobody gets it twice", async () => {
    const { ada, publish } = await bench();
    await publish(1, 2, 3, 4, 5);
    const one = ada.join("chat/a", { history: 3 });
    const heardByOne = listen(one);
    await publish(6);
    const two = ada.join("chat/a", { history: 2 });
    expect([two.position?.offset, two.behind]).toEqual([4, 2]);
    await publish(7);
    const heardByTwo = listen(two);
    const replayed: boolean[] = [];
    two.on("message", (message) => replayed.push(message.replayed));
    await publish(8);
    expect(replayed).toEqual([true, true, false, false]);
    expect([heardByOne, heardByTwo]).toEqual([
      [3, 4, 5, 6, 7, 8],
      [5, 6, 7, 8],
    ]);
    expect([one.behind, two.behind]).toEqual([0, 0]);
  });

  test("in the same breath gets as much as it asks for, and the others no more than they did", async () => {
    const { ada, publish, sent } = await bench();
    await publish(1, 2, 3, 4, 5);
    const heard = [0, 2, 4].map((history) => listen(ada.join("chat/a", { history })));
    await publish(6);
    expect(heard).toEqual([[6], [4, 5, 6], [2, 3, 4, 5, 6]]);
    expect(sent()).toEqual(["join"]);
  });

  test("gets no more than there is in a room with less than was asked for", async () => {
    const { ada, publish } = await bench();
    await publish(1, 2);
    listen(ada.join("chat/a", { history: 50 }));
    await publish(3);
    const heard = listen(ada.join("chat/a", { history: 50 }));
    await publish(4);
    expect(heard).toEqual([1, 2, 3, 4]);
  });

  test("reads on from a position that is kept", async () => {
    const { ada, publish } = await bench();
    await publish(1, 2, 3, 4);
    const one = ada.join("chat/a", { history: 3 });
    const positions: Parameters<Parameters<typeof one.on<"message">>[1]>[0]["position"][] = [];
    one.on("message", ({ position }) => positions.push(position));
    await publish(5);
    const [first] = positions;
    const heard = listen(ada.join("chat/a", first ? { position: first } : {}));
    await publish(6);
    expect(heard).toEqual([3, 4, 5, 6]);
  });

  test.each([
    ["more history", { history: 4 }],
    ["a position of another log", { position: { offset: 1, epoch: "another" } }],
    ["a position that nobody has read from", { position: { offset: 0, epoch: "" } }],
    ["a position ahead", { position: { offset: 99, epoch: "" } }],
  ])("is told where that can't be had any more: %s", async (_what, options) => {
    const { ada, publish, pair } = await bench();
    await publish(1, 2, 3, 4, 5);
    const one = ada.join("chat/a", { history: 3 });
    await pair.clock.settle();
    const epoch = one.position?.epoch ?? "";
    const asked =
      "position" in options && options.position?.epoch === ""
        ? { position: { ...options.position, epoch } }
        : options;
    expect(() => ada.join("chat/a", asked)).toThrow(/^"chat\/a" is joined already: only the first join/);
    one.leave();
    // Nobody is in any more: it is a first join again.
    expect(ada.join("chat/a", asked).status.state).toBe("joining");
    await pair.clock.settle();
  });

  test("gets what came after a gap as history", async () => {
    const { ada, publish, pair } = await bench();
    const one = ada.join("chat/a", { history: 2 });
    const heardByOne = listen(one);
    await publish(1, 2);
    pair.offline = true;
    pair.lastLink.cut();
    for (let n = 3; n <= 150; n += 1) await pair.server.publish("chat/a", "message", n);
    pair.offline = false;
    await pair.clock.advance(60_000);
    expect(heardByOne).toEqual([1, 2, 149, 150]);
    const heardByTwo = listen(ada.join("chat/a", { history: 2 }));
    await publish(151);
    expect(heardByTwo).toEqual([149, 150, 151]);
  });
});

describe("a handle that has left", () => {
  const closed = expect.objectContaining({ code: "CLOSED", retryable: false, message: "chat/a was left" });

  test.each<[string, (lobby: Lobby) => unknown]>([
    ["on", (lobby) => lobby.on("message", () => {})],
    ["onGap", (lobby) => lobby.onGap(() => {})],
    ["onStatus", (lobby) => lobby.onStatus(() => {})],
    ["onError", (lobby) => lobby.onError(() => {})],
    ["onChange", (lobby) => lobby.presence.onChange(() => {})],
    ["presence.set", (lobby) => lobby.presence.set(1)],
    ["a signal", (lobby) => lobby.publish("typing", 1)],
  ])("throws CLOSED, also where others are in the room: %s", async (_what, use) => {
    const { pair, ada } = await bench();
    const [one] = [ada.join("chat/a"), ada.join("chat/a")];
    await pair.clock.settle();
    one.leave();
    expect(() => use(one)).toThrow(closed);
  });

  test("rejects publish and joined() with CLOSED, and stores nothing", async () => {
    const { pair, ada } = await bench();
    const lobby = ada.join("chat/a");
    await pair.clock.settle();
    lobby.leave();
    const publish = lobby.publish("message", 1);
    await expect(publish).rejects.toEqual(closed);
    await expect(publish).rejects.toBeInstanceOf(BowlineError);
    await expect(lobby.joined()).rejects.toEqual(closed);
    await pair.clock.settle();
    expect([publish.ref, publish.id, ada.pending]).toEqual([0, null, []]);
    expect((await pair.server.history("chat/a")).length).toBe(0);
  });

  test("tells its own listeners that it left, and that nobody is there for it", async () => {
    const { pair, ada } = await bench();
    const [one, two] = [ada.join("chat/a", { presence: 1 }), ada.join("chat/a")];
    await pair.clock.settle();
    const told: unknown[] = [];
    one.onStatus(({ state }) => told.push(state));
    one.presence.onChange(({ size }) => told.push(size));
    two.onStatus(({ state }) => told.push(`two ${state}`));
    const undo = one.on("message", () => {});
    one.leave();
    undo();
    expect(told).toEqual([0, "left"]);
    expect([one.presence.members.size, two.presence.count]).toEqual([0, 1]);
  });
});

describe("a room that was refused", () => {
  test("is asked for again by the next join, whose joined() tells of that attempt", async () => {
    const pair = new Pair(chat);
    let asked = 0;
    pair.server.room("chat/:room", { join: () => (asked += 1) === 3 });
    await pair.start();
    const ada = await pair.openClient();
    const first = ada.join("chat/a");
    const firstJoined = expect(first.joined()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await pair.clock.settle();
    await firstJoined;
    const second = ada.join("chat/a");
    expect([first.status.state, second.status.state]).toEqual(["joining", "joining"]);
    const secondJoined = expect(second.joined()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await pair.clock.settle();
    await secondJoined;
    const third = ada.join("chat/a");
    const joined = third.joined();
    await pair.clock.settle();
    await joined;
    expect([asked, first.status.state, third.status.state]).toEqual([3, "joined", "joined"]);
    const heard = [first, second, third].map(listen);
    await pair.server.publish("chat/a", "message", 1);
    await pair.clock.settle();
    expect(heard).toEqual([[1], [1], [1]]);
  });

  test("while offline is asked for again on the next connection", async () => {
    const pair = new Pair(chat);
    let mayJoin = false;
    pair.server.room("chat/:room", { join: () => mayJoin });
    await pair.start();
    const ada = await pair.openClient();
    ada.join("chat/a");
    await pair.clock.settle();
    pair.offline = true;
    pair.lastLink.cut();
    await pair.clock.settle();
    mayJoin = true;
    const again = ada.join("chat/a");
    const joined = again.joined();
    pair.offline = false;
    await pair.clock.advance(5000);
    await joined;
  });
});
