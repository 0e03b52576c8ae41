import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { backoffMs } from "../../src/base/backoff.ts";
import { inboxRoom } from "../../src/contract/contract.ts";
import { RoomMatcher } from "../../src/contract/room-name.ts";
import { closeAction } from "../../src/protocol/codes.ts";
import { decodeClientFrame, type FrameError } from "../../src/protocol/decode.ts";
import type { HelloFrame, Position } from "../../src/protocol/frames.ts";
import { sessionIdOf } from "../../src/protocol/session-id.ts";
import { tokenOf } from "../../src/server/credentials.ts";
import { originRule } from "../../src/server/origins.ts";
import { roomBench } from "../support/room-bench.ts";

/** A text, or its parts, of which `[text, n]` is that text n times. */
type Text = string | readonly (string | readonly [string, number])[];

const folder = new URL("../../spec/vectors/", import.meta.url);

function vectors<Vector>(topic: string): Vector[] {
  const { vectors: all } = JSON.parse(readFileSync(new URL(`${topic}.json`, folder), "utf8")) as {
    vectors: Vector[];
  };
  return all;
}

function joined(text: Text): string {
  if (typeof text === "string") return text;
  return text.map((part) => (typeof part === "string" ? part : part[0].repeat(part[1]))).join("");
}

/** A short title: what a vector says, cut. */
function title(vector: object): string {
  return JSON.stringify(vector).slice(0, 120);
}

interface PatternVector {
  readonly patterns: readonly string[];
  readonly malformed?: true;
  readonly name: Text;
  readonly pattern: string | null;
  readonly params?: Readonly<Record<string, Text>>;
}

describe("patterns", () => {
  test.each(vectors<PatternVector>("patterns").map((vector) => [title(vector), vector] as const))(
    "%s",
    (_title, { patterns, malformed, name, pattern, params }) => {
      const matcher = () => new RoomMatcher(Object.fromEntries(patterns.map((one) => [one, one])));
      if (malformed) return expect(matcher).toThrow(TypeError);
      const match = matcher().match(joined(name));
      expect(match?.pattern ?? null).toBe(pattern);
      const expected = Object.entries(params ?? {}).map(([key, text]) => [key, joined(text)]);
      if (match) expect(match.params).toEqual(Object.fromEntries(expected));
      return undefined;
    },
  );
});

test.each(vectors<{ user: string; room: string }>("inbox-names"))("inbox of $user", ({ user, room }) => {
  expect(inboxRoom(user)).toBe(room);
});

test.each(
  vectors<{ headers: Record<string, string>; token: string | null }>("tokens").map(
    (vector) => [title(vector), vector] as const,
  ),
)("token of %s", (_title, { headers, token }) => {
  expect(tokenOf({ url: "/bowline", address: "::1", headers }) ?? null).toBe(token);
});

test.each(vectors<{ secret: string; session: string }>("session-ids"))(
  "session of $secret",
  ({ secret, session }) => {
    expect(sessionIdOf(secret)).toBe(session);
  },
);

test.each(vectors<{ code: number; action: string }>("close-codes"))("close $code", ({ code, action }) => {
  expect(closeAction(code)).toBe(action);
});

test.each(vectors<{ attempt: number; ceilingMs: number }>("backoff"))(
  "wait before retry $attempt",
  ({ attempt, ceilingMs }) => {
    const waitAt = (share: number): number => backoffMs(attempt, { float: () => share, id: () => "" });
    expect(waitAt(0)).toBe(0);
    expect(waitAt(0.5)).toBe(ceilingMs / 2);
    expect(waitAt(1)).toBe(ceilingMs);
  },
);

interface OriginVector {
  readonly allowed: "same" | "any" | readonly string[];
  readonly origin: string;
  readonly host: string;
  readonly tls?: true;
  readonly lets: boolean;
}

test.each(vectors<OriginVector>("origins").map((vector) => [title(vector), vector] as const))(
  "origin %s",
  (_title, { allowed, origin, host, tls, lets }) => {
    const request = { url: "/bowline", address: "::1", headers: { host }, ...(tls && { secure: true }) };
    expect(originRule(allowed)(origin, request)).toBe(lets);
  },
);

interface FrameVector {
  readonly text: Text;
  readonly verdict: "ok" | "refuse" | "close";
  readonly about?: unknown;
}

/** What a server makes of a message, in the words of the vectors. */
function judge(text: string): { verdict: string; about?: unknown } {
  try {
    const frame = decodeClientFrame(text);
    const [refused] = (frame as HelloFrame).refused ?? [];
    return refused ? { verdict: "refuse", about: { room: refused.room, of: "join" } } : { verdict: "ok" };
  } catch (error) {
    const { subject } = error as FrameError;
    return subject ? { verdict: "refuse", about: subject } : { verdict: "close" };
  }
}

describe("client frames", () => {
  test.each(vectors<FrameVector>("client-frames").map((vector) => [title(vector), vector] as const))(
    "%s",
    (_title, { text, verdict, about }) => {
      expect(judge(joined(text))).toEqual({ verdict, ...(about !== undefined && { about }) });
    },
  );
});

interface ReadingStep {
  readonly joined?: Position;
  readonly gap?: Position;
  readonly event?: number;
  readonly does?: "hand-on" | "ignore" | "reconnect";
  readonly position?: Position;
}

describe("reading a room", () => {
  test.each(vectors<{ about: string; steps: ReadingStep[] }>("reading"))("$about", ({ steps }) => {
    const bench = roomBench();
    bench.online();
    for (const step of steps) {
      if (step.joined) bench.joined(step.joined.offset, step.joined.epoch);
      if (step.gap) bench.gap(step.gap.offset, step.gap.epoch);
      if (step.position) expect(bench.face.position).toEqual(step.position);
      if (step.event === undefined) continue;
      const before = bench.heard.length;
      bench.log.length = 0;
      bench.event(step.event);
      bench.turn();
      expect(bench.heard.slice(before)).toEqual(step.does === "hand-on" ? [step.event] : []);
      expect(bench.log.includes("resync")).toBe(step.does === "reconnect");
    }
  });
});

test("every file of vectors is run by some test", () => {
  const here = new URL("./", import.meta.url);
  const tests = readdirSync(here).map((name) => readFileSync(new URL(name, here), "utf8"));
  const topics = readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
  expect(topics.filter((topic) => !tests.some((text) => text.includes(topic)))).toEqual([]);
});
