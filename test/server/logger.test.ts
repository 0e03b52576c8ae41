import { app, loggingBench, openRaw } from "../support/logging-bench.ts";
import { expect, test, vi } from "vitest";
import type { Logger } from "../../src/server/logging/logger.ts";
import { createServer } from "../../src/server/server.ts";
import { expectNothingEscapes } from "../support/ends.ts";

const boom = new Error("boom");
const failing: [how: string, method: () => unknown][] = [
  [
    "throws",
    () => {
      throw boom;
    },
  ],
  ["rejects", async () => Promise.reject(boom)],
  // oxlint-disable-next-line unicorn/no-thenable -- what a logger may give
  ["gives a thenable that rejects", () => ({ then: (_: unknown, no: (error: Error) => void) => no(boom) })],
];
expectNothingEscapes();

test.each(failing)("a logger that %s ends nothing, and is said once", async (_how, method) => {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  const logger: Logger = { debug: method, warn: method, error: method };
  const { pair } = await loggingBench({ logger, debug: true, onError: undefined as never });
  const raw = await openRaw(pair);
  raw.send({ type: "join", room: "chat/staff" });
  raw.send({ type: "request", ref: 1, request: "ask", payload: { n: 2 } });
  raw.send({ type: "request", ref: 2, request: "ask", payload: { n: 3 } });
  await pair.clock.settle();
  await new Promise((resolve) => setImmediate(resolve));
  expect(
    raw
      .of("error")
      .map(({ code }) => code)
      .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual(["FORBIDDEN", "INTERNAL"]);
  expect(raw.of("reply")).toMatchObject([{ payload: 3 }]);
  expect(said).toHaveBeenCalledOnce();
  expect(said.mock.calls[0]?.[0]).toMatch(/^bowline: the option "logger" failed: Error: boom\n/);
});

test("a logger is called as itself, with the fields first", async () => {
  class Own {
    readonly lines: unknown[][] = [];
    warn(...line: unknown[]): void {
      this.lines.push(line);
    }
    error(): void {}
  }
  const logger = new Own();
  const { pair } = await loggingBench({ logger });
  await pair.socket();
  expect(logger.lines).toEqual([[expect.objectContaining({ status: 401 }), expect.stringContaining("401")]]);
});

test.each([
  ["debug", { debug: 1, info: 1 }, "debug"],
  ["info, without debug", { info: 1 }, "info"],
  ["the console, with neither", {}, "console"],
])("a logger is told of debug lines by %s", async (_what, has, expected) => {
  const told: string[] = [];
  vi.spyOn(console, "debug").mockImplementation(() => void told.push("console"));
  const method = (name: string) => (): void => void told.push(name);
  const given = Object.fromEntries(Object.keys(has).map((name) => [name, method(name)]));
  const { pair } = await loggingBench({
    logger: { ...given, warn: method("warn"), error: method("error") },
    debug: true,
  });
  await openRaw(pair);
  expect(told).toEqual([expected]);
});

test.each([null, true, "console", {}, { warn: () => {} }, () => {}])("a logger is not %j", (logger) => {
  expect(() => createServer(app, { logger: logger as never })).toThrow(
    /^logger must have the methods warn and error/,
  );
});

test("a logger may be the console, or none", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  for (const logger of [console, false] as const) {
    const { pair } = await loggingBench({ logger });
    await pair.socket();
  }
  expect(warned).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ status: 401 }),
    expect.any(String),
  );
});

test("the server's own logger writes one readable line, and a fault's stack", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const failed = vi.spyOn(console, "error").mockImplementation(() => {});
  const { pair } = await loggingBench({ logger: undefined as never, onError: undefined as never });
  const raw = await openRaw(pair);
  await pair.socket();
  raw.send({ type: "request", ref: 1, request: "ask", payload: { n: 2 } });
  await pair.clock.settle();
  expect(warned).toHaveBeenCalledExactlyOnceWith(
    expect.stringMatching(/^bowline: refused an upgrade \(401 /),
  );
  expect(failed.mock.calls).toEqual([
    [expect.stringMatching(/^bowline: request failed of "ask": Error: boom\n +at /)],
  ]);
});
