import { contract, event, room } from "bowline";
import { nats } from "bowline/nats";
import { redis } from "bowline/redis";
import { createServer } from "bowline/server";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Broker } from "../../src/server/broker.ts";
import { hashesMax } from "../../src/server/client-contracts.ts";
import { Logging } from "../../src/server/logging/logging.ts";
import { NodeContracts } from "../../src/server/node-contracts.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { natsPath, NatsServer } from "../support/nats-server.ts";
import { RecordedLog } from "../support/recorded-log.ts";
import { redisPath, RedisServer } from "../support/redis-server.ts";

const make = (text: z.ZodType) => contract({ rooms: { r: room({ events: { message: event(text) } }) } });
const old = make(z.string());
const newer = make(z.string().max(5));

/** Services that nodes share, each with the broker of a node on it. */
const services = {
  redis: {
    path: redisPath,
    start: () => RedisServer.start(),
    open: ({ port }: { port: number }): Broker => redis({ url: `redis://127.0.0.1:${port}` }),
  },
  nats: {
    path: natsPath,
    start: () => NatsServer.start(),
    open: ({ port }: { port: number }): Broker => nats({ servers: `127.0.0.1:${port}` }),
  },
};

/** A logger that keeps its lines, and the moment when it has one about a contract. */
function awaited() {
  const log = new RecordedLog();
  const line = new Promise<string>((resolve) => {
    const warn = log.warn.bind(log);
    log.warn = (fields, message) => {
      warn(fields, message);
      if (message.includes("contract")) resolve(message);
    };
  });
  return { log, line };
}

describe.each(Object.entries(services))("on %s", (_name, { path, start, open }) => {
  test.skipIf(!path)("each of two nodes is told what the other's contract has otherwise", async () => {
    const service = await start();
    const ends = [old, newer].map((of) => {
      const { log, line } = awaited();
      return { line, log, server: createServer(of, { broker: open(service), logger: log }) };
    });
    for (const { server } of ends) await server.start();
    for (const { line } of ends)
      expect(await line).toContain('the schemas of "/rooms/r/events/message" differ');
    const same = awaited();
    const third = createServer(newer, { broker: open(service), logger: same.log });
    await third.start();
    expect(await same.line).toContain('the schemas of "/rooms/r/events/message" differ');
    const about = (log: RecordedLog) => log.lines.filter(({ message }) => message.includes("contract"));
    for (const { server } of [...ends, { server: third }]) await server.close();
    expect(ends.map(({ log }) => about(log).length)).toEqual([1, 1]);
    await service.stop();
  });
});

test("a node has no line any more after a hundred contracts", () => {
  const logger = new RecordedLog();
  const logging = new Logging({ logger, debug: false, clock: new FakeClock(), contract: old, node: "n" });
  const contracts = new NodeContracts({ contract: old, logging });
  const outline = { rooms: {}, requests: {}, inbox: null };
  for (let index = 0; index < hashesMax + 5; index += 1)
    contracts.receive("other", { hash: `hash ${index}`, outline, digests: {} });
  expect(logger.lines.length).toBe(hashesMax);
});

test("of many parts that differ, twenty are named", () => {
  const logger = new RecordedLog();
  const logging = new Logging({ logger, debug: false, clock: new FakeClock(), contract: old, node: "n" });
  const events = (text: z.ZodType) =>
    Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`e${index}`, event(text)]));
  const many = (text: z.ZodType) => contract({ rooms: { r: room({ events: events(text) }) } });
  const theirs = new NodeContracts({ contract: many(z.number()), logging });
  new NodeContracts({ contract: many(z.string()), logging }).receive("other", theirs.answer("none"));
  const { message } = logger.lines[0]!;
  expect(message.match(/"\/rooms\/r\/events\/e/g)).toHaveLength(20);
  expect(message).toContain(", 3 more differ");
});
