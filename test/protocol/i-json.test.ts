import { describe, expect, test } from "vitest";
import { decodeClientFrame, FrameError } from "../../src/protocol/decode.ts";
import { depthMax } from "../../src/protocol/shape.ts";

/** What is wrong with a frame, and what it was about; null for one that is sound. */
function refusalOf(text: string): Pick<FrameError, "message" | "subject"> | null {
  try {
    decodeClientFrame(text);
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    return error as FrameError;
  }
  return null;
}

const publish = (payload: string, more = ""): string =>
  `{"type":"publish","ref":3,"room":"r","event":"e","payload":${payload}${more}}`;
const payloadOf = (text: string): unknown => (decodeClientFrame(text) as { payload: unknown }).payload;

describe("a frame is I-JSON", () => {
  test.each([
    ["a lone high surrogate", publish(String.raw`"\ud83d"`)],
    ["a lone low surrogate", publish(String.raw`"x\uDE00y"`)],
    ["surrogates in the wrong order", publish(String.raw`"\ude00\ud83d"`)],
    ["one in an array", publish(String.raw`[1,["\ud800"]]`)],
    ["one in a name", publish(String.raw`{"a":{"\udfff":1}}`)],
    ["one in a field nobody knows", publish("1", String.raw`,"x":"\ud800"`)],
  ])("%s is refused, and only that call", (_what, text) => {
    expect(refusalOf(text)).toMatchObject({
      message: expect.stringMatching(/^a (string|name) has a lone surrogate$/),
      subject: { ref: 3 },
    });
  });

  test.each(["1e400", "-1e400", "1E+309", "1.8e308", "9".repeat(310), '[0,{"a":1e999}]'])(
    "the number %s is refused, as no double holds it",
    (payload) => {
      const refusal = { message: "a number is beyond the range of doubles", subject: { ref: 3 } };
      expect(refusalOf(publish(payload))).toMatchObject(refusal);
    },
  );

  test.each([
    ["a pair of surrogates, escaped", String.raw`"\ud83d\ude00"`, "😀"],
    ["a pair as it is", '"😀"', "😀"],
    ["the largest double", "1.7976931348623157e308", Number.MAX_VALUE],
    ["a number that is nearly none", "1e-400", 0],
    ["an integer beyond 2^53, rounded", "12345678901234567890", 12_345_678_901_234_567_000],
    ["the last of a name given twice", '{"a":1,"a":2}', { a: 2 }],
    ["a text about numbers", '"1e400"', "1e400"],
    ["null", "null", null],
  ])("%s is taken", (_what, payload, value) => {
    expect(payloadOf(publish(payload))).toEqual(value);
  });

  test.each(["1", "1.0", "1e0", "10e-1"])("a whole number may be written %s", (ref) => {
    const text = `{"type":"request","ref":${ref},"request":"r","payload":null}`;
    expect(decodeClientFrame(text)).toMatchObject({ ref: 1 });
  });

  test("names are compared exactly", () => {
    expect(refusalOf('{"type":"publish","Ref":3,"room":"r","event":"e","payload":1}')?.message).toMatch(
      /^ref/,
    );
    expect(refusalOf('{"Type":"ping"}')?.message).toMatch(/unknown frame type/);
  });

  test.each([
    ["retry", publish("1", ',"retry":null'), { ref: 3 }],
    ["retry", publish("1", ',"retry":"yes"'), { ref: 3 }],
    ["position", '{"type":"join","room":"r","position":null}', { room: "r", of: "join" }],
    ["history", '{"type":"join","room":"r","history":null}', { room: "r", of: "join" }],
  ])("%s that is null or ill-typed is not absent: %s", (field, text, subject) => {
    expect(refusalOf(text)).toMatchObject({ message: expect.stringContaining(field), subject });
  });

  test("retry may be false, which is as if it were not there", () => {
    expect(decodeClientFrame(publish("1", ',"retry":false'))).toMatchObject({ retry: false });
  });

  test("a room with a lone surrogate is none that could be told of", () => {
    expect(refusalOf(String.raw`{"type":"join","room":"\ud800"}`)?.subject).toBe(null);
  });

  test("a hello is looked at without its rooms, and each room by itself", () => {
    const secret = "k".repeat(24);
    const head = `{"type":"hello","secret":"${secret}","generation":1,`;
    expect(refusalOf(`${head}"x":1e400,"rooms":[]}`)).toMatchObject({ subject: null });
    const rooms = String.raw`"rooms":[{"room":"a"},{"room":"b","presence":"\ud800"},{"room":"c","presence":1e400}]}`;
    expect(decodeClientFrame(head + rooms)).toMatchObject({
      rooms: [{ room: "a" }],
      refused: [{ room: "b" }, { room: "c" }],
    });
  });
});

describe("levels are counted from the frame's object", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const state = depthMax - 3;

  test.each<readonly [string, number, (payload: string) => string]>([
    ["a publish", depthMax - 1, publish],
    ["a request", depthMax - 1, (it) => `{"type":"request","ref":3,"request":"r","payload":${it}}`],
    ["a signal", depthMax - 1, (it) => `{"type":"signal","room":"r","event":"e","payload":${it}}`],
    ["a field nobody knows", depthMax - 1, (it) => `{"type":"ping","x":${it}}`],
    ["a presence state", state, (it) => `{"type":"presence","room":"r","payload":${it}}`],
    ["that of a join", state, (it) => `{"type":"join","room":"r","presence":${it}}`],
  ])("%s may have %i levels, and no more", (_what, levels, make) => {
    expect(refusalOf(make(nested(levels)))).toBe(null);
    const { message } = refusalOf(make(nested(levels + 1))) ?? {};
    expect(message).toBe("nested deeper than 200 levels");
    expect(refusalOf(make(nested(20_000)))?.message).toBe(message);
  });

  test("that of a room of a hello as many as any", () => {
    const rooms = [state, state + 1].map((levels) => `{"room":"r","presence":${nested(levels)}}`);
    const text = `{"type":"hello","secret":"${"k".repeat(24)}","generation":1,"rooms":[${rooms.join(",")}]}`;
    expect(decodeClientFrame(text)).toMatchObject({ rooms: [{ room: "r" }], refused: [{ room: "r" }] });
  });
});
