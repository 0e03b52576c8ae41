import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError } from "../../src/protocol/decode.ts";
import type { ServerFrame } from "../../src/protocol/frames.ts";
import { frameCodec, type Codec } from "../../src/server/codec.ts";
import { jsonCodec } from "../../src/server/json-codec.ts";
import { publicationText, signalText } from "../../src/server/neutral.ts";

/** A codec of two functions, whose messages are the frames' own JSON. */
const plain = frameCodec({
  subprotocol: "test.plain",
  encode: (frame) => JSON.stringify(frame),
  decode: (message) => JSON.parse(message as string) as unknown,
});

const codecs: readonly (readonly [string, Codec])[] = [
  ["JSON's codec", jsonCodec],
  ["a codec of two functions", plain],
];

describe.each(codecs)("%s", (_name, codec) => {
  const read = (message: string | Uint8Array): unknown => JSON.parse(message as string);
  const written = (frame: ServerFrame): unknown => JSON.parse(JSON.stringify(frame));

  test("writes what is JSON already as it would the frame", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.jsonValue(), fc.string(), (room, number, payload, event) => {
        const json = JSON.stringify(payload);
        const about = { id: "session-1", event, from: null, at: 5 };
        const entry = { offset: number, data: publicationText(about, json) };
        expect(read(codec.publication(room, entry))).toEqual(
          written({ type: "event", room, offset: number, ...about, payload }),
        );
        const sender = { event, from: "ada", session: "s" };
        expect(read(codec.signal(room, signalText(sender, json)))).toEqual(
          written({ type: "signal", room, ...sender, payload }),
        );
        expect(read(codec.reply(number, json))).toEqual(written({ type: "reply", ref: number, payload }));
        const members = [{ session: "s", user: "ada", state: payload }];
        const joined = { type: "joined", room, position: { offset: number, epoch: "e" }, head: 7 } as const;
        for (const frame of [joined, { type: "presence", room } as const])
          expect(read(codec.list(frame, JSON.stringify(members)))).toEqual(written({ ...frame, members }));
        expect(read(codec.frame({ ...joined, count: 9 }))).toEqual({ ...joined, count: 9 });
      }),
    );
  });

  test("reads a client's frame", () => {
    const frame = { type: "publish", ref: 1, room: "r", event: "e", payload: [1, null] };
    expect(codec.decode(JSON.stringify(frame))).toEqual(frame);
  });

  test.each([
    ["", null],
    ["[]", null],
    ["1", null],
    ['{"type":"confetti"}', null],
    ['{"type":"publish","ref":7}', { ref: 7 }],
    ['{"type":"join","room":"r","history":-1}', { room: "r", of: "join" }],
    [`{"type":"request","ref":1,"request":"r","payload":${"[".repeat(300)}${"]".repeat(300)}}`, { ref: 1 }],
  ])("refuses %j, and says what it was about", (text, subject) => {
    let refusal: unknown;
    try {
      codec.decode(text);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(FrameError);
    expect((refusal as FrameError).subject).toEqual(subject);
  });
});

const cycle: unknown[] = [];
cycle.push(cycle);

test.each<[what: string, value: unknown]>([
  ["nothing", undefined],
  ["a number too large for JSON", { type: "publish", ref: 1n }],
  ["a cycle", cycle],
  ["a payload that JSON has no word for", { type: "signal", room: "r", event: "e", payload: undefined }],
  ["bytes", new Uint8Array(3)],
])("what a foreign codec reads is no frame where it is %s", (_what, value) => {
  const codec = frameCodec({ subprotocol: "x", encode: () => "", decode: () => value });
  expect(() => codec.decode("")).toThrow(FrameError);
});

test.each([new Error("ends in the middle"), "ends in the middle"])(
  "what a foreign codec throws on a message says why it is no frame",
  (thrown) => {
    const decode = (): never => {
      // oxlint-disable-next-line typescript/only-throw-error -- as a library may
      throw thrown;
    };
    const codec = frameCodec({ subprotocol: "x", encode: () => "", decode });
    expect(() => codec.decode("")).toThrow(new FrameError("can't be read: ends in the middle"));
  },
);
