import { describe, expect, test } from "vitest";
import { z } from "zod";
import { contract, event, room } from "../../src/contract/contract.ts";
import { clusterSettings, settingsThatDiffer } from "../../src/server/cluster-settings.ts";
import type { BrokerSink, ClusterSettings } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { loggingBench } from "../support/logging-bench.ts";
import { altered } from "../support/log-broker.ts";

test.each([
  "",
  "x",
  "null",
  "[]",
  "{}",
  '{"id":"a","from":"b","question":null}',
  '{"id":"contract","answer":[1]}',
])(
  "what a node is told and can't read ends nothing, and is reported where it has no shape: %j",
  async (message) => {
    const inner = memory();
    let sink = null as BrokerSink | null;
    const broker = altered(inner, {
      start: (given, node, settings) => {
        sink = given;
        return inner.start(given, node, settings);
      },
    });
    const { logger } = await loggingBench({ broker, onError: undefined as never });
    sink?.receiveTold(message);
    const isReported = !message.includes("answer");
    expect(logger.lines.map(({ message: line }) => line)).toEqual(
      isReported ? [expect.stringContaining("this node was told what it can't read")] : [],
    );
  },
);

describe("settings of a cluster", () => {
  test("are the bounds of every pattern, in milliseconds", () => {
    const events = { message: event(z.string()) };
    const chat = contract({
      rooms: {
        "chat/:room": room({ events, history: { count: 5, age: "2m", bytes: 9 } }),
        lobby: room({ events }),
      },
      inbox: events,
    });
    expect(clusterSettings(chat)).toEqual({
      "history chat/:room": "5 120000 9",
      "history lobby": "1000 604800000 8388608",
      "history inbox/:user": "1000 604800000 8388608",
    });
  });

  const cases: Record<
    string,
    [own: ClusterSettings, others: Record<string, ClusterSettings>, found: unknown]
  > = {
    "of a node that is alone differ from nothing": [{ a: "1" }, {}, []],
    "that are alike do not differ": [{ a: "1" }, { x: { a: "1" }, y: { a: "1" } }, []],
    "that only one of two nodes knows are an addition": [{ a: "1" }, { x: { b: "1" } }, []],
    "are told with each other value once, and a node that has it": [
      { a: "1", b: "2" },
      { x: { a: "3", b: "2" }, y: { a: "3" }, z: { a: "4" } },
      [
        {
          name: "a",
          own: "1",
          others: [
            { value: "3", node: "x" },
            { value: "4", node: "z" },
          ],
        },
      ],
    ],
  };
  test.each(Object.entries(cases))("%s", (_, [own, others, found]) => {
    expect(settingsThatDiffer(own, new Map(Object.entries(others)))).toEqual(found);
  });

  test("are handed to the broker, and what differs is written down", async () => {
    const inner = memory();
    const given: (ClusterSettings | undefined)[] = [];
    const broker = altered(inner, {
      start: async (sink, node, settings) => {
        given.push(settings);
        await inner.start(sink, node, settings);
        sink.receiveSettings({ ttlMs: "9", ...settings }, new Map([["old", { ttlMs: "8" }]]));
      },
    });
    const { logger } = await loggingBench({ broker });
    expect(given).toEqual([{ "history chat/:room": "1000 604800000 8388608" }]);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", 'the setting "ttlMs" is "9" here and "8" on node "old": give all nodes the same'],
    ]);
  });
});
