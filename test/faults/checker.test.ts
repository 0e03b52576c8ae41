import type { Position } from "bowline/protocol";
import { describe, expect, test } from "vitest";
import { checkHistory, type Verdict } from "../../faults/checker.ts";
import type { History, Told } from "../../faults/history.ts";

const room = "room";

function at(offset: number, epoch = "a"): Position {
  return { offset, epoch };
}

function joined(offset = 0, epoch = "a"): Told {
  return { type: "joined", position: at(offset, epoch) };
}

function delivered(id: string, offset: number, epoch = "a"): Told {
  return { type: "delivered", id, position: at(offset, epoch), replayed: false };
}

function gap(reason: "epoch" | "trimmed", offset: number, epoch: string): Told {
  return { type: "gap", reason, position: at(offset, epoch) };
}

/** Judges what readers of one room were told. Ids are a sender's letter and its number: `s1`. */
function check(
  readers: readonly (readonly Told[])[],
  acknowledged: Readonly<Record<string, Position>> = {},
  end?: Position,
): Verdict {
  const ids = new Set([
    ...Object.keys(acknowledged),
    ...readers.flat().flatMap((entry) => (entry.type === "delivered" ? [entry.id] : [])),
  ]);
  const history: History = {
    sent: [...ids].map((id) => ({ id, sender: id.slice(0, 1), n: Number(id.slice(1)), room })),
    acknowledged: Object.entries(acknowledged).map(([id, position]) => ({ id, position })),
    refused: [],
    readers: readers.map((told, index) => ({ reader: `reader${index + 1}`, room, told })),
    ends: new Map(end ? [[room, end]] : []),
  };
  return checkHistory(history);
}

const threeStored = { s1: at(1), s2: at(2), s3: at(3) };
const allThree = [joined(), delivered("s1", 1), delivered("s2", 2), delivered("s3", 3)];
const clean = { lost: 0, repeated: 0, misordered: 0 };

test("a history in which everybody got everything is clean", () => {
  expect(check([allThree, allThree], threeStored, at(3))).toMatchObject({
    ...clean,
    sent: 3,
    acknowledged: 3,
    stored: 3,
    delivered: 6,
    missed: 0,
    gaps: 0,
    examples: [],
  });
});

describe("a loss", () => {
  test("is what was acknowledged and passed over", () => {
    const verdict = check([allThree, [joined(), delivered("s1", 1), delivered("s3", 3)]], threeStored, at(3));
    expect(verdict).toMatchObject({ ...clean, lost: 1, examples: ["lost: s2 at reader2"] });
  });

  test("is what was acknowledged and never came, at the end too", () => {
    expect(check([[joined(), delivered("s1", 1)]], threeStored, at(3))).toMatchObject({ ...clean, lost: 2 });
    expect(check([[joined(), delivered("s1", 1)]], threeStored)).toMatchObject({ ...clean, lost: 2 });
    expect(check([[joined()]], threeStored)).toMatchObject({ ...clean, lost: 3 });
  });

  test("is what another reader got, though nobody acknowledged it", () => {
    expect(check([allThree, [joined()]])).toMatchObject({ ...clean, lost: 3 });
  });

  test("is an offset that was skipped, whatever was there", () => {
    expect(check([[joined(), delivered("s1", 1), delivered("s2", 3)]])).toMatchObject({ ...clean, lost: 1 });
  });

  test("is what was acknowledged for a place that holds something else", () => {
    const verdict = check([[joined(), delivered("s1", 1)]], { s1: at(1), t1: at(1) }, at(1));
    expect(verdict).toMatchObject({ lost: 1, misordered: 1 });
  });

  test("is not what was stored before the reader joined", () => {
    const late = [joined(2), delivered("s3", 3)];
    expect(check([allThree, late], threeStored, at(3))).toMatchObject({ ...clean, missed: 0 });
  });

  test("is not what was sent and neither acknowledged nor seen", () => {
    const history: History = {
      sent: [{ id: "s1", sender: "s", n: 1, room }],
      acknowledged: [],
      refused: [{ id: "s1", code: "UNCERTAIN" }],
      readers: [{ reader: "reader1", room, told: [joined()] }],
      ends: new Map([[room, at(0)]]),
    };
    expect(checkHistory(history)).toMatchObject({ ...clean, refused: { UNCERTAIN: 1 }, stored: 0 });
  });
});

describe("a repeat", () => {
  test("is the same id twice at one reader, at the same place or another", () => {
    const twice = [joined(), delivered("s1", 1), delivered("s1", 1)];
    expect(check([twice])).toMatchObject({
      ...clean,
      repeated: 1,
      examples: ["repeated: s1 at a/1 and a/1"],
    });
    const again = [joined(), delivered("s1", 1), delivered("s1", 2)];
    expect(check([again])).toMatchObject({ ...clean, repeated: 1 });
  });

  test("is found across a gap", () => {
    const told = [joined(), delivered("s1", 1), gap("epoch", 0, "b"), delivered("s1", 1, "b")];
    expect(check([told])).toMatchObject({ ...clean, repeated: 1 });
  });

  test("is not the same id at two readers", () => {
    expect(check([allThree, allThree])).toMatchObject(clean);
  });
});

describe("a misorder", () => {
  test("is an offset that does not rise; what comes late is not lost", () => {
    const told = [joined(), delivered("s1", 1), delivered("u1", 3), delivered("t1", 2)];
    expect(check([told], {}, at(3))).toMatchObject({ ...clean, misordered: 1 });
  });

  test("is a sender's message after a later one of its", () => {
    const told = [joined(), delivered("s2", 1), delivered("s1", 2)];
    expect(check([told])).toMatchObject({ ...clean, misordered: 1, examples: ["misordered: s1"] });
  });

  test("is a place that holds different things for two readers", () => {
    const one = [joined(), delivered("s1", 1), delivered("t1", 2)];
    const other = [joined(), delivered("t1", 1), delivered("s1", 2)];
    expect(check([one, other]).misordered).toBe(2);
  });

  test("is not an order between senders, nor between epochs", () => {
    const told = [joined(), delivered("t9", 1), delivered("s2", 2), gap("epoch", 0, "b")];
    expect(check([[...told, delivered("s1", 1, "b")]])).toMatchObject(clean);
  });
});

describe("a gap", () => {
  test("for epoch covers what was not read of the old epoch, and of those skipped", () => {
    const stored = { ...threeStored, s4: at(1, "b"), s5: at(1, "c") };
    const told = [joined(), delivered("s1", 1), gap("epoch", 0, "c"), delivered("s5", 1, "c")];
    const verdict = check([told], stored, at(1, "c"));
    expect(verdict).toMatchObject({ ...clean, gaps: 1, missed: 3 });
  });

  test("for epoch does not cover the new epoch", () => {
    const told = [...allThree, gap("epoch", 0, "b"), delivered("s5", 2, "b")];
    expect(check([told], { s4: at(1, "b") })).toMatchObject({ ...clean, lost: 1 });
    const short = [...allThree, gap("epoch", 0, "b")];
    expect(check([short], {}, at(2, "b"))).toMatchObject({ ...clean, lost: 2 });
  });

  test("for epoch does not cover what was passed over before", () => {
    const told = [joined(), delivered("s2", 2), gap("epoch", 0, "b")];
    expect(check([told], threeStored, at(0, "b"))).toMatchObject({ ...clean, lost: 1, missed: 1 });
  });

  test("for trimmed covers what is up to its position, and no more", () => {
    const covered = [joined(), gap("trimmed", 2, "a"), delivered("s3", 3)];
    expect(check([covered], threeStored, at(3))).toMatchObject({ ...clean, gaps: 1, missed: 2 });
    const uncovered = [joined(), gap("trimmed", 1, "a"), delivered("s3", 3)];
    expect(check([uncovered], threeStored, at(3))).toMatchObject({ ...clean, lost: 1, missed: 1 });
  });

  test("that is not told is a loss: of the rest of the old epoch and of what the new one began with", () => {
    const told = [joined(), delivered("s1", 1), delivered("s5", 2, "b")];
    expect(check([told], { ...threeStored, s4: at(1, "b") })).toMatchObject({
      ...clean,
      lost: 4,
      examples: expect.arrayContaining(["lost: the gap after a/1 at reader1", "lost: s4 at reader1"]),
    });
  });

  test("that is not told is a loss also where nothing was missed", () => {
    const told = [...allThree, delivered("s4", 1, "b")];
    expect(check([told], threeStored, at(1, "b"))).toMatchObject({ ...clean, lost: 1 });
  });

  test("that is not told is a loss also for a reader that stays with a log that is gone", () => {
    const verdict = check([allThree], { ...threeStored, s4: at(1, "b") }, at(1, "b"));
    expect(verdict).toMatchObject({ ...clean, lost: 2 });
  });

  test("for trimmed in another epoch says nothing of the old one", () => {
    const told = [joined(), delivered("s1", 1), gap("trimmed", 0, "b")];
    expect(check([told], threeStored, at(0, "b"))).toMatchObject({ ...clean, lost: 3 });
  });
});
