import { describe, expect, test } from "vitest";
import * as z from "zod";
import { contract, event, request, room } from "bowline";
import { createServer } from "bowline/server";
import { fits, utf8Length } from "../../src/base/utf8.ts";
import { RoomMatcher, roomParamBytesMax } from "../../src/contract/room-name.ts";
import { decodeClientFrame, eventNameBytesMax } from "../../src/protocol/decode.ts";
import { ledgerNameBytesMax, roomNameBytesMax } from "../../src/protocol/frames.ts";

/** One character of each length in UTF-8. The last one has two UTF-16 units. */
const characters = ["a", "é", "字", "😀"] as const;

/** The longest text of one character within so many bytes, and the shortest beyond it. */
function around(character: string, bytesMax: number): { longest: string; longer: string } {
  const longest = character.repeat(Math.floor(bytesMax / utf8Length(character)));
  const rest = "a".repeat(bytesMax - utf8Length(longest));
  return { longest: longest + rest, longer: `${longest}${rest}a` };
}

const soundness = (frame: object): boolean => {
  try {
    decodeClientFrame(JSON.stringify(frame));
    return true;
  } catch {
    return false;
  }
};

const publish = { type: "publish", ref: 1, room: "r", event: "e", payload: 0 };
const anyRoom = room({ events: { e: event(z.unknown()) } });
const matcher = new RoomMatcher({ "a/:b": 1, ":x/:y/:z": 2 });

describe("lengths of names are in bytes of UTF-8", () => {
  test.each<readonly [string, number, (text: string) => boolean]>([
    ["a room in a frame", roomNameBytesMax, (text) => soundness({ ...publish, room: text })],
    ["an event in a frame", eventNameBytesMax, (text) => soundness({ ...publish, event: text })],
    [
      "a request in a frame",
      eventNameBytesMax,
      (text) => soundness({ type: "request", ref: 1, request: text, payload: 0 }),
    ],
    [
      "an epoch in a frame",
      ledgerNameBytesMax,
      (text) => soundness({ type: "join", room: "r", position: { offset: 0, epoch: text } }),
    ],
    ["a parameter", roomParamBytesMax, (text) => matcher.match(`a/${text}`) !== null],
    [
      "a room of two long parameters",
      roomNameBytesMax - 4,
      (text) => {
        // Cut between two characters, so that both are sound.
        const half = Array.from(text)
          .slice(0, Math.ceil(Array.from(text).length / 2))
          .join("");
        return matcher.match(`:x/${half}/${text.slice(half.length)}`) !== null;
      },
    ],
    ["any text", 100, (text) => fits(text, 100)],
  ])("%s has at most %i", (_what, bytesMax, isTaken) => {
    for (const character of characters) {
      const { longest, longer } = around(character, bytesMax);
      expect([utf8Length(longest), isTaken(longest)], character).toEqual([bytesMax, true]);
      expect([utf8Length(longer), isTaken(longer)], character).toEqual([bytesMax + 1, false]);
    }
  });

  test("what refuses a name says how many it has", () => {
    const text = JSON.stringify({ ...publish, room: "字".repeat(100) });
    expect(() => decodeClientFrame(text)).toThrow("room must have 1 to 256 bytes in UTF-8, not 300");
  });

  test("the contract goes by the same", () => {
    const shape = contract({ rooms: { "chat/:room": anyRoom } });
    expect(shape.matchRoom(`chat/${"字".repeat(42)}`)).not.toBe(null);
    expect(shape.matchRoom(`chat/${"字".repeat(43)}`)).toBe(null);
  });

  test.each(characters)(
    "a server takes no contract whose events or requests have longer ones: %s",
    (character) => {
      const { longest, longer } = around(character, eventNameBytesMax);
      const anything = z.unknown();
      const contracts = (name: string) => [
        contract({ rooms: { r: room({ events: { [name]: event(anything) } }) } }),
        contract({ requests: { [name]: request({ input: anything, output: anything }) } }),
        contract({ inbox: { [name]: event(anything) } }),
      ];
      for (const shape of contracts(longest)) expect(() => createServer(shape)).not.toThrow();
      for (const name of [longer, "", "\ud800"])
        for (const shape of contracts(name))
          expect(() => createServer(shape)).toThrow(/names have 1 to 128 bytes in UTF-8/);
    },
  );
});
