import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { utf8Length } from "../../src/base/utf8.ts";
import { contract } from "../../src/contract/contract.ts";
import { RoomMatcher } from "../../src/contract/room-name.ts";
import { decodeClientFrame } from "../../src/protocol/decode.ts";
import { Pair } from "../support/pair.ts";

interface LengthVector {
  readonly name: "room" | "event" | "request" | "parameter" | "user" | "epoch";
  readonly character: string;
  readonly times: number;
  readonly then: string;
  readonly bytes: number;
  readonly sound: boolean;
}

const url = new URL("../../spec/vectors/lengths.json", import.meta.url);
const { vectors: lengths } = JSON.parse(readFileSync(url, "utf8")) as {
  readonly vectors: readonly LengthVector[];
};
const matcher = new RoomMatcher({ "a/:b": true });

/** Whether the text may be the name of something. */
async function isSound(name: LengthVector["name"], text: string): Promise<boolean> {
  if (name === "parameter") return matcher.match(`a/${text}`) !== null;
  if (name === "user") {
    const pair = await new Pair(contract({}), { authenticate: () => ({ id: text }) }).start();
    return (await pair.socket()).isOpen;
  }
  const publish = { type: "publish", ref: 1, room: "r", event: "e", payload: 0 };
  const frames = {
    room: { ...publish, room: text },
    event: { ...publish, event: text },
    request: { type: "request", ref: 1, request: text, payload: 0 },
    epoch: { type: "join", room: "r", position: { offset: 0, epoch: text } },
  };
  try {
    decodeClientFrame(JSON.stringify(frames[name]));
    return true;
  } catch {
    return false;
  }
}

test.each(lengths)(
  "$bytes bytes in $character for $name",
  async ({ name, character, times, then, bytes, sound }) => {
    const text = character.repeat(times) + then;
    expect([utf8Length(text), await isSound(name, text)]).toEqual([bytes, sound]);
  },
);
