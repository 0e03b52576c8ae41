import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";

const day = 86_400_000;
const text = z.object({ text: z.string() });

describe("a room", () => {
  test("keeps 1,000 publications, 7 days and 8 MiB unless told otherwise", () => {
    expect(room({ events: {} }).history).toEqual({ count: 1000, ageMs: 7 * day, bytes: 8_388_608 });
  });

  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["24h", day],
    ["7d", 7 * day],
    ["1.5s", 1500],
    [250, 250],
  ] as const)("takes %j as the age of its history", (age, ageMs) => {
    expect(room({ events: {}, history: { age } }).history.ageMs).toBe(ageMs);
  });

  test.each(["", "5", "5 m", "-1s", "0s", "5w", "s", 0, -1, NaN])(
    "refuses %j as the age of its history",
    (age) => {
      expect(() => room({ events: {}, history: { age: age as never } })).toThrow(/history\.age/);
    },
  );

  test.each([0, -1, 1.5, NaN, Infinity, "10"])(
    "refuses %j as the count or the bytes of its history",
    (value) => {
      const refused = (name: "count" | "bytes"): string =>
        `history.${name} must be a whole number from 1, not ${value}`;
      for (const name of ["count", "bytes"] as const)
        expect(() => room({ events: {}, history: { [name]: value as never } })).toThrow(refused(name));
    },
  );

  test("keeps at least one publication", () => {
    expect(room({ events: {}, history: { count: 1 } }).history.count).toBe(1);
  });

  test("refuses an event that was not made with event() or signal()", () => {
    expect(() => room({ events: { message: text as never } })).toThrow(/events\.message/);
  });

  test("refuses a presence that is no schema", () => {
    expect(() => room({ events: {}, presence: { name: "string" } as never })).toThrow(
      /presence must be a Standard Schema/,
    );
  });
});

describe("an event, a signal and a request", () => {
  test("refuse what is no schema, and say so by name", () => {
    expect(() => event({} as never)).toThrow(/^event must be a Standard Schema/);
    expect(() => signal(undefined as never)).toThrow(/^signal must be a Standard Schema/);
    expect(() => request({ input: text, output: null as never })).toThrow(
      /^output must be a Standard Schema/,
    );
    expect(() => request({ input: 1 as never, output: text })).toThrow(/^input must be a Standard Schema/);
  });

  test("come from clients unless told otherwise", () => {
    expect(event(text).from).toBe("client");
    expect(signal(text).from).toBe("client");
    expect(event(text, { from: "server" }).from).toBe("server");
  });

  test("a request runs at most once and declares no errors unless told otherwise", () => {
    expect(request({ input: text, output: text })).toMatchObject({ idempotent: false, errors: [] });
  });
});

describe("a contract", () => {
  test("may be empty", () => {
    expect(contract({})).toMatchObject({ rooms: {}, requests: {} });
  });

  test("finds the definition of a room by its name", () => {
    const chat = room({ events: { message: event(text) } });
    const chats = contract({ rooms: { "chat/:room": chat } });
    expect(chats.matchRoom("chat/lobby")).toEqual({
      pattern: "chat/:room",
      params: { room: "lobby" },
      definition: chat,
    });
    expect(chats.matchRoom("news")).toBeNull();
  });
});
