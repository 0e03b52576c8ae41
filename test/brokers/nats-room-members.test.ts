import { expect, test } from "vitest";
import { RoomMembers } from "../../src/brokers/nats/room-members.ts";
import type { Stored } from "../../src/brokers/nats/stored.ts";
import { tokenOf } from "../../src/brokers/nats/subjects.ts";

/** What is stored when somebody enters, or with `isGone` leaves. */
function change(session: string, seq: number, isGone = false): Stored {
  const member = isGone ? null : { session, user: session, state: null };
  const body = JSON.stringify({ member, generation: 1, node: "node" });
  return { subject: `p.presence.id.${tokenOf("room")}.${tokenOf(session)}`, seq, meta: "", body };
}

const sessionsOf = (members: RoomMembers): string[] => members.list().map(({ session }) => session);

test("changes of different members that come in another order than they were stored are all taken in", () => {
  const members = new RoomMembers([change("ada", 1)]);
  expect(members.add(change("eve", 3))).toMatchObject({ count: 2 });
  expect(members.add(change("bob", 2))).toMatchObject({ count: 3 });
  expect(sessionsOf(members)).toEqual(["ada", "eve", "bob"]);
  expect(members.seq).toBe(3);
});

test("of one member the change stored last counts, in whatever order they come", () => {
  const members = new RoomMembers([]);
  members.add(change("ada", 1));
  expect(members.add(change("ada", 3, true))).toMatchObject({ gone: "ada", count: 0 });
  expect(members.add(change("ada", 2))).toBeNull();
  expect(members.add(change("ada", 4))).toMatchObject({ count: 1 });
  expect(members.add(change("ada", 3, true))).toBeNull();
  expect(sessionsOf(members)).toEqual(["ada"]);
});

test("what was stored before the room was read is part of what was read", () => {
  const members = new RoomMembers([change("ada", 5)]);
  expect(members.add(change("bob", 4))).toBeNull();
  expect(members.add(change("ada", 5))).toBeNull();
  expect(sessionsOf(members)).toEqual(["ada"]);
});

test("however many leave, only so many are remembered as gone", () => {
  const members = new RoomMembers([]);
  for (let index = 1; index <= 1001; index += 1) members.add(change(`s${index}`, index * 10, true));
  expect(members.add(change("s2", 19)), "remembered").toBeNull();
  expect(members.add(change("s1", 9)), "forgotten").toMatchObject({ count: 1 });
});
