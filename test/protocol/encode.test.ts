import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, eventFramePrefix, eventFrameText, signalFrameText } from "../../src/protocol/encode.ts";
import { publicationText, signalText } from "../../src/server/neutral.ts";

test("an event frame put together from its parts reads like one encoded at once", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.jsonValue(), fc.string(), (room, offset, payload, event) => {
      const head = { id: "session-1", event, from: null, at: 5 };
      const publication = publicationText(head, JSON.stringify(payload));
      const text = eventFrameText(eventFramePrefix(room), offset, publication);
      const whole = { type: "event", room, offset, ...head, payload } as const;
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(whole)));
    }),
  );
});

test("so does the frame of a signal", () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), fc.string(), (room, payload, event) => {
      const head = { event, from: "ada", session: "s" };
      const text = signalFrameText(room, signalText(head, JSON.stringify(payload)));
      const whole = { type: "signal", room, ...head, payload } as const;
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(whole)));
    }),
  );
});

test("a frame is the JSON of its fields", () => {
  expect(encodeFrame({ type: "leave", room: 'a"b' })).toBe('{"type":"leave","room":"a\\"b"}');
});
