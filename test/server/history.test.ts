import { contract, event, room, type Position } from "bowline";
import { createServer, memory } from "bowline/server";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { FakeClock } from "../support/fake-clock.ts";
import { altered } from "../support/log-broker.ts";

const app = contract({
  rooms: { "log/:name": room({ events: { line: event(z.number()) }, history: { count: 5 } }) },
});

async function start(count: number) {
  const clock = new FakeClock();
  const server = createServer(app, { logger: false, clock, broker: memory({ clock }) });
  await server.gate.serve();
  for (let line = 1; line <= count; line += 1) await server.publish("log/a", "line", line);
  return server;
}

describe("the server's history of a room", () => {
  test("is its newest publications, oldest first", async () => {
    const server = await start(4);
    const lines = await server.history("log/a", { limit: 2 });
    expect(lines.map(({ payload, position }) => [payload, position.offset])).toEqual([
      [3, 3],
      [4, 4],
    ]);
    expect(lines[0]).toMatchObject({ event: "line", from: null });
  });

  test("goes as far back as the log does", async () => {
    const server = await start(9);
    const lines = await server.history("log/a");
    expect(lines.map(({ payload }) => payload)).toEqual([5, 6, 7, 8, 9]);
  });

  test("goes back from a position on", async () => {
    const server = await start(9);
    const pageBefore = async (before: Position): Promise<unknown[]> =>
      (await server.history("log/a", { limit: 2, before })).map(({ payload }) => payload);
    const newest = (await server.history("log/a", { limit: 1 }))[0]?.position as Position;
    expect(await pageBefore(newest)).toEqual([7, 8]);
    expect(await pageBefore({ ...newest, offset: 6 })).toEqual([5]);
    expect(await pageBefore({ ...newest, offset: 3 })).toEqual([]);
    expect(await pageBefore({ ...newest, offset: 99 })).toEqual([8, 9]);
    expect(await pageBefore({ ...newest, epoch: "another" })).toEqual([]);
  });

  test("is UNAVAILABLE where the broker can't be reached", async () => {
    const broker = memory();
    const server = createServer(app, {
      logger: false,
      broker: altered(broker, { read: () => Promise.reject(new Error("gone")) }),
      onError: () => {},
    });
    await server.gate.serve();
    await expect(server.history("log/a")).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
  });

  test("of a room that was never used is empty, and of one that can't be is refused", async () => {
    const server = await start(0);
    expect(await server.history("log/b")).toEqual([]);
    await expect(server.history("nowhere" as "log/b")).rejects.toMatchObject({ code: "UNKNOWN_ROOM" });
    await expect(server.history("log/b", { limit: 0 })).rejects.toThrow(/limit must be/);
  });
});
