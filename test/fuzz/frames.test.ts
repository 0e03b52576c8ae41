import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { closeCodes } from "../../src/protocol/codes.ts";
import { Attacker, Bystanders, Target } from "./attack.ts";
import { limits } from "./fuzz.contract.ts";

let target: Target;
let bystanders: Bystanders;
beforeEach(async () => {
  // One that an attack has ended must not fail the tests of other attacks.
  if ((target as Target | undefined)?.end === null) return;
  (bystanders as Bystanders | undefined)?.close();
  target = await Target.start();
  bystanders = await Bystanders.join(target);
});
afterAll(() => {
  bystanders.close();
  target.stop();
});

const codes = new Set<number>(Object.values(closeCodes).map(({ code }) => code));
const roomNames = fc.constantFrom(
  "open/quiet",
  "open/fuzz",
  "open/a b",
  "open/",
  "open",
  "nowhere",
  "",
  "/",
  "__proto__",
  "open/\u0000",
);
const eventNames = fc.constantFrom(
  "message",
  "number",
  "typing",
  "notice",
  "nothing",
  "toString",
  "__proto__",
  "",
);
const types = fc.constantFrom(
  "publish",
  "signal",
  "request",
  "presence",
  "join",
  "leave",
  "ping",
  "pong",
  "hello",
  "ack",
  "welcome",
  "",
);
const anyJson = fc.jsonValue({ maxDepth: 4 });
const refs = fc.oneof(fc.integer({ min: -2, max: 40 }), fc.constantFrom(0.5, 2 ** 53, -0, 1e300), anyJson);

/** Frames that are mostly right, and wrong here and there. */
const frames = fc
  .record(
    {
      type: fc.oneof({ weight: 9, arbitrary: types }, { weight: 1, arbitrary: anyJson }),
      ref: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 1000 }) },
        { weight: 1, arbitrary: refs },
      ),
      room: fc.oneof({ weight: 9, arbitrary: roomNames }, { weight: 1, arbitrary: anyJson }),
      event: fc.oneof({ weight: 9, arbitrary: eventNames }, { weight: 1, arbitrary: anyJson }),
      request: fc.constantFrom("echo", "nothing", "constructor", 1),
      payload: anyJson,
      history: fc.oneof(fc.nat(), anyJson),
      position: fc.oneof(fc.record({ offset: fc.oneof(fc.nat(), anyJson), epoch: fc.string() }), anyJson),
      presence: anyJson,
      rooms: fc.oneof(fc.array(fc.record({ room: roomNames })), anyJson),
      retry: fc.boolean(),
    },
    { requiredKeys: ["type"] },
  )
  .map((frame) => JSON.stringify(frame));

const cutOff = fc.tuple(frames, fc.nat(80)).map(([text, at]) => text.slice(0, at));
const misspelt = fc
  .tuple(frames, fc.nat(200), fc.constantFrom('"', "{", "}", "[", ",", "\\", "\u0000", "\ufffd", "9", "🪢"))
  .map(([text, at, char]) => text.slice(0, at) + char + text.slice(at + 1));

const proto = fc.constantFrom(
  '{"type":"publish","ref":1,"room":"open/fuzz","event":"message","payload":{"__proto__":{"polluted":true}}}',
  String.raw`{"type":"signal","room":"open/fuzz","event":"typing","payload":{"\u005f_proto__":{"polluted":true}}}`,
  String.raw`{"type":"presence","room":"open/fuzz","payload":[{"\u005F\u005Fpr\u006fto\u005f\u005f":{"polluted":1}}]}`,
  '{"type":"request","ref":2,"request":"echo","payload":{"constructor":{"prototype":{"polluted":true}}}}',
  '{"__proto__":{"type":"ping"}}',
);

/** Every place where a client's own value stands in a frame. */
const wraps = {
  publish: (payload: string) =>
    `{"type":"publish","ref":99,"room":"open/fuzz","event":"message","payload":${payload}}`,
  signal: (payload: string) => `{"type":"signal","room":"open/fuzz","event":"typing","payload":${payload}}`,
  presence: (payload: string) => `{"type":"presence","room":"open/fuzz","payload":${payload}}`,
  request: (payload: string) => `{"type":"request","ref":98,"request":"echo","payload":${payload}}`,
  join: (payload: string) => `{"type":"join","room":"open/deep","presence":${payload}}`,
  "whole frame": (payload: string) => payload,
} as const;

/** A value of so many levels, or as many as the largest message holds. */
function nested(depth: number, open: string, close: string): string {
  const levels = Math.min(depth, Math.floor((limits.payloadBytes - 200) / (open.length + 1)));
  return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

const deep = fc
  .tuple(
    fc.integer({ min: 100, max: 32_000 }),
    fc.constantFrom(["[", "]"] as const, ['{"a":', "}"] as const),
    fc.constantFrom(...Object.values(wraps)),
  )
  .map(([depth, [open, close], wrap]) => wrap(nested(depth, open, close)));

const sized = fc
  .constantFrom(
    limits.payloadBytes - 1,
    limits.payloadBytes,
    limits.payloadBytes + 1,
    limits.payloadBytes * 20,
  )
  .map((bytes) => `{"type":"ping","pad":"${"x".repeat(bytes - 24)}"}`);

const messages = fc.oneof(
  { weight: 12, arbitrary: frames },
  { weight: 2, arbitrary: cutOff },
  { weight: 2, arbitrary: misspelt },
  { weight: 1, arbitrary: fc.string({ maxLength: 100 }) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  { weight: 1, arbitrary: proto },
  { weight: 2, arbitrary: deep },
  { weight: 1, arbitrary: sized },
);

/** Who was not touched by an attack: they publish, and hear, as if nothing was. */
async function expectUndisturbed(): Promise<void> {
  await target.whileAlive(bystanders.publish());
  await target.whileAlive(bystanders.caughtUp());
  expect(bystanders.heard).toEqual(bystanders.expected);
  expect(bystanders.trouble).toEqual([]);
}

async function attack(given: readonly (string | Uint8Array)[], saysHello = true): Promise<Attacker> {
  const attacker = await Attacker.open(target);
  if (saysHello) await attacker.hello([{ room: "open/quiet" }, { room: "open/fuzz", presence: 1 }]);
  for (const message of given) attacker.send(message);
  await attacker.handled();
  return attacker;
}

describe("a live server", () => {
  test("stands whatever frames come, and closes only with codes of the table", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(messages, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (given, saysHello) => {
          const attacker = await attack(given, saysHello);
          const { closeCode } = attacker;
          attacker.terminate();
          await expectUndisturbed();
          if (closeCode !== null) expect(codes).toContain(closeCode);
        },
      ),
      { numRuns: 120, endOnFailure: true },
    );
  }, 15_000);

  test.each([
    [
      "a message of as many bytes as it takes",
      `{"type":"ping","pad":"${"x".repeat(limits.payloadBytes - 24)}"}`,
      null,
    ],
    ["a message of one byte more", `{"type":"ping","pad":"${"x".repeat(limits.payloadBytes - 23)}"}`, 1009],
    ["a binary message", new Uint8Array([1, 2, 3]), 4400],
    ["what is no JSON", "{", 4400],
    ["a type it does not know", '{"type":"confetti"}', 4400],
    [
      "the key __proto__, escaped",
      String.raw`{"type":"presence","room":"open/fuzz","payload":{"\u005f_proto__":1}}`,
      null,
    ],
    ["a room it does not know", '{"type":"join","room":"nowhere"}', null],
    [
      "an event it does not know",
      '{"type":"publish","ref":1,"room":"open/fuzz","event":"x","payload":1}',
      null,
    ],
    [
      "a payload that does not fit",
      '{"type":"publish","ref":1,"room":"open/fuzz","event":"number","payload":"1"}',
      null,
    ],
  ])("answers %s with the right code", async (_what, message, code) => {
    const attacker = await Attacker.open(target);
    await attacker.hello([{ room: "open/fuzz" }]);
    attacker.send(message);
    await attacker.handled();
    expect(attacker.closeCode).toBe(code);
    attacker.terminate();
  });

  test.each(Object.entries(wraps))("stands a %s as deep as a message can hold", async (_where, wrap) => {
    const attacker = await attack([wrap(nested(Infinity, "[", "]"))]);
    await expectUndisturbed();
    attacker.terminate();
  });

  test("closes with 4400 where refs fall back", async () => {
    const publish = (ref: number) =>
      `{"type":"publish","ref":${ref},"room":"open/fuzz","event":"message","payload":${ref}}`;
    const attacker = await attack([publish(2), publish(1)]);
    expect(attacker.closeCode).toBe(4400);
  });

  test("slows floods down, and closes them in the end, while others go on undisturbed", async () => {
    const attackers = await Promise.all(Array.from({ length: 4 }, () => Attacker.open(target)));
    const closed = attackers.map((attacker) => attacker.closed());
    const flood = '{"type":"signal","room":"open/quiet","event":"typing","payload":1}';
    for (const attacker of attackers) await attacker.hello([{ room: "open/quiet" }]);
    let over = false;
    void Promise.all(closed).then(() => (over = true));
    for (let round = 0; !over; round += 1) {
      for (const attacker of attackers)
        for (let frame = 0; frame < 500 && attacker.backlog < 100_000; frame += 1) attacker.send(flood);
      await target.ask("stats");
      if (round % 50 === 0) await expectUndisturbed();
    }
    await expectUndisturbed();
    expect(new Set(await Promise.all(closed))).toEqual(new Set([4529]));
  }, 15_000);

  test("forgets them all: connections, rooms and memory", async () => {
    const calm = async (): Promise<number> => {
      const stats = await target.statsOnce(({ connections, rooms }) => connections === 2 && rooms === 1);
      expect(stats).toEqual({ connections: 2, rooms: 1, degraded: false });
      return target.ask<number>("heap");
    };
    const round = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 1) {
        const attackers = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            attack([
              `{"type":"join","room":"open/${done}-${index}","presence":1}`,
              `{"type":"publish","ref":1,"room":"open/${done}-${index}","event":"message","payload":"${"x".repeat(1000)}"}`,
              `{"type":"request","ref":2,"request":"echo","payload":"${"y".repeat(1000)}"}`,
            ]),
          ),
        );
        for (const [index, attacker] of attackers.entries()) {
          if (index % 2 === 0) attacker.send("{");
          else attacker.terminate();
        }
      }
    };
    await round(15);
    const before = await calm();
    await round(40);
    const grownBy = (await calm()) - before;
    expect(grownBy / 1e6).toBeLessThan(3);
    await expectUndisturbed();
  }, 15_000);

  test("reports none of it as a fault of its own, but for what it could not encode", async () => {
    const faults = await target.ask<string[]>("faults");
    expect(faults.filter((fault) => !fault.startsWith("RangeError"))).toEqual([]);
  });
});
