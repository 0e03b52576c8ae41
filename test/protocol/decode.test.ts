import { describe, expect, test } from "vitest";
import {
  decodeClientFrame,
  decodeServerFrame,
  eventNameBytesMax,
  FrameError,
} from "../../src/protocol/decode.ts";
import { roomNameBytesMax } from "../../src/protocol/frames.ts";
import { depthMax } from "../../src/protocol/shape.ts";

const hello = { type: "hello", secret: "k".repeat(24), generation: 1, rooms: [] };
const publish = { type: "publish", ref: 1, room: "chat/a", event: "message", payload: { text: "hi" } };
const request = { type: "request", ref: 2, request: "rooms.list", payload: null };
const signal = { type: "signal", room: "chat/a", event: "typing", payload: 0 };
const presence = { type: "presence", room: "chat/a", payload: false };
const join = { type: "join", room: "chat/a" };
const leave = { type: "leave", room: "chat/a" };

const decode = (frame: unknown): unknown => decodeClientFrame(JSON.stringify(frame));
const refusalOf = (text: string): string => {
  try {
    decodeClientFrame(text);
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    return (error as FrameError).message;
  }
  return "";
};

describe("a client's frame", () => {
  test.each([
    hello,
    {
      ...hello,
      rooms: [{ room: "chat/a" }, { room: "chat/b", position: { offset: 3, epoch: "e" }, history: 0 }],
    },
    publish,
    { ...publish, retry: true },
    request,
    signal,
    presence,
    join,
    { ...join, position: { offset: 0, epoch: "" }, history: 50, presence: { name: "Ada" } },
    leave,
    { type: "ping" },
    { type: "pong" },
  ])("of every type is let through: $type", (frame) => {
    expect(decode(frame)).toEqual(frame);
  });

  test("may have fields nobody knows", () => {
    expect(decode({ ...publish, colour: "red" })).toMatchObject(publish);
  });

  test.each(["", "{", "nul", '{"type":"ping"', "\u0000"])("that is no JSON is refused: %j", (text) => {
    expect(refusalOf(text)).toBe("not JSON");
  });

  test.each(["null", "1", '"ping"', "true", "[]", '[{"type":"ping"}]'])(
    "that is no object is refused: %s",
    (text) => {
      expect(refusalOf(text)).toBe("not an object");
    },
  );

  test.each([undefined, null, 1, "", "Ping", "ack", "welcome", "constructor", ["ping"], {}])(
    "of a type no client sends is refused: %j",
    (type) => {
      expect(() => decode({ type })).toThrow(/unknown frame type/);
    },
  );

  test("of a type with a very long name is refused with a short message", () => {
    expect(refusalOf(JSON.stringify({ type: "x".repeat(60_000) })).length).toBeLessThan(100);
  });
});

describe("a field", () => {
  const everywhere = <T extends object>(frames: readonly T[], field: string, values: readonly unknown[]) =>
    frames.flatMap((frame) =>
      values.map((value) => [field, value, (frame as { type: string }).type, frame] as const),
    );

  test.each([
    ...everywhere([publish, request], "ref", [undefined, null, 0, -1, 1.5, "1", 2 ** 53, [1], {}]),
    ...everywhere([publish, signal, presence, join, leave], "room", [undefined, null, 1, "", [], {}]),
    ...everywhere([publish, signal], "event", [undefined, null, 1, "", []]),
    ...everywhere([request], "request", [undefined, null, 1, ""]),
    ...everywhere([publish, request, signal, presence], "payload", [undefined]),
    ...everywhere([join], "history", [null, -1, 0.5, "1", 2 ** 53]),
    ...everywhere([join], "position", [
      null,
      1,
      "x",
      {},
      [],
      { offset: 1 },
      { epoch: "e" },
      { offset: -1, epoch: "e" },
    ]),
    ...everywhere([join], "position", [
      { offset: 0.5, epoch: "e" },
      { offset: 1, epoch: 1 },
    ]),
    ...everywhere([hello], "secret", [
      undefined,
      null,
      1,
      "",
      "with a space ".padEnd(24, "k"),
      "sl/ash".padEnd(24, "k"),
      "ümlaut".padEnd(24, "k"),
    ]),
    ...everywhere([hello], "generation", [undefined, null, -1, 0.5, "1"]),
    ...everywhere([hello], "rooms", [undefined, null, {}, "chat/a", [null], ["chat/a"], [{}], [{ room: 1 }]]),
    ...everywhere([join], "position", [3, {}, { offset: 1 }, { offset: -1, epoch: "e" }]),
  ])("%s that is %j is refused in a %s frame", (field, value, _type, frame) => {
    expect(() => decode({ ...frame, [field]: value })).toThrow(FrameError);
  });
});

describe("at the bound", () => {
  test.each([
    ["a room name", (length: number) => ({ ...leave, room: "r".repeat(length) }), 1, roomNameBytesMax],
    ["an event name", (length: number) => ({ ...signal, event: "e".repeat(length) }), 1, eventNameBytesMax],
    [
      "a request name",
      (length: number) => ({ ...request, request: "q".repeat(length) }),
      1,
      eventNameBytesMax,
    ],
    ["a secret", (length: number) => ({ ...hello, secret: "k".repeat(length) }), 22, 64],
  ])("%s has so many characters and no others", (_what, make, min, max) => {
    expect(() => decode(make(min))).not.toThrow();
    expect(() => decode(make(max))).not.toThrow();
    expect(() => decode(make(min - 1))).toThrow(FrameError);
    expect(() => decode(make(max + 1))).toThrow(FrameError);
  });

  test("an epoch has at most 64 characters", () => {
    const at = (length: number) => ({ ...join, position: { offset: 1, epoch: "e".repeat(length) } });
    expect(() => decode(at(64))).not.toThrow();
    expect(() => decode(at(65))).toThrow(FrameError);
  });

  test("a ref goes up to the greatest whole number a double holds", () => {
    expect(() => decode({ ...publish, ref: Number.MAX_SAFE_INTEGER })).not.toThrow();
    expect(() => decode({ ...publish, ref: Number.MAX_SAFE_INTEGER + 1 })).toThrow(FrameError);
  });

  test("a payload may be null, false, 0 and empty, but not absent", () => {
    for (const payload of [null, false, 0, ""]) expect(() => decode({ ...publish, payload })).not.toThrow();
  });
});

describe("the key __proto__", () => {
  test.each([
    '{"type":"ping","__proto__":{}}',
    '{"type":"presence","room":"r","payload":{"__proto__":{"admin":true}}}',
    '{"type":"presence","room":"r","payload":[[{"a":{"__proto__":1}}]]}',
    String.raw`{"type":"presence","room":"r","payload":{"\u005f_proto__":1}}`,
    String.raw`{"type":"presence","room":"r","payload":{"\u005F\u005fproto\u005f\u005F":1}}`,
    String.raw`{"type":"presence","room":"r","payload":{"__pr\u006fto__":1}}`,
  ])("is refused, however it is spelt: %s", (text) => {
    expect(refusalOf(text)).toMatch(/__proto__/);
  });

  test("may be talked about", () => {
    const text = { type: "presence", room: "r", payload: { text: "__proto__", escaped: "\u0001" } };
    expect(decode(text)).toEqual(text);
  });

  test("is found also very far down", () => {
    const deep = depthMax - 3;
    const text = `{"type":"request","ref":1,"request":"r","payload":${"[".repeat(deep)}{"__proto__":1}${"]".repeat(deep)}}`;
    expect(refusalOf(text)).toMatch(/__proto__/);
  });
});

describe("what a refused frame was about", () => {
  const deep = "[".repeat(300) + "]".repeat(300);
  const subjectOf = (text: string): unknown => {
    try {
      decodeClientFrame(text);
    } catch (error) {
      return (error as FrameError).subject;
    }
    throw new Error("not refused");
  };

  test.each([
    ['{"type":"publish","ref":3,"room":"r","event":"e","payload":DEEP}', { ref: 3 }],
    ['{"type":"publish","ref":3,"room":7}', { ref: 3 }],
    ['{"type":"request","ref":3,"request":"r","payload":{"__proto__":1}}', { ref: 3 }],
    ['{"type":"join","room":"r","history":1.5}', { room: "r", of: "join" }],
    ['{"type":"signal","room":"r"}', { room: "r", of: "signal" }],
    ['{"type":"presence","room":"r"}', { room: "r", of: "presence" }],
    ['{"type":"publish","ref":0,"room":"r"}', null],
    ['{"type":"join","room":""}', null],
    ['{"type":"confetti","ref":3,"room":"r"}', null],
    ['{"type":"hello","ref":3,"room":"r"}', null],
    ["[]", null],
  ])("%s is told: %j", (text, subject) => {
    expect(subjectOf(text.replace("DEEP", deep)) ?? null).toEqual(subject);
  });

  test("is a room of a hello, whose other rooms are let through", () => {
    const rooms = [{ room: "a" }, { room: "b", history: -1 }, { room: "c", presence: "DEEP" }];
    const text = JSON.stringify({ ...hello, rooms, refused: [{ room: "forged" }] }).replace('"DEEP"', deep);
    expect(decodeClientFrame(text)).toMatchObject({
      rooms: [{ room: "a" }],
      refused: [
        { room: "b", message: "history must be a whole number from 0, not -1" },
        { room: "c", message: "nested deeper than 200 levels" },
      ],
    });
  });
});

describe("a server's frame", () => {
  test("of a type that a newer server may send is let through", () => {
    expect(decodeServerFrame('{"type":"confetti"}')).toEqual({ type: "confetti" });
  });

  test.each(["null", "1", '"x"'])("that is no object is refused: %s", (text) => {
    expect(() => decodeServerFrame(text)).toThrow(TypeError);
  });

  test("that is no JSON is refused", () => {
    expect(() => decodeServerFrame("{")).toThrow(SyntaxError);
  });
});
