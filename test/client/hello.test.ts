import * as z from "zod";
import { describe, expect, test } from "vitest";
import { contract, event, room } from "../../src/contract/contract.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) }, presence: z.any() }) },
});

async function bench(options: ServerOptions = {}) {
  return { pair: await new Pair(chat, options).start() };
}

describe("a hello", () => {
  test.each(["first", "later"])("names no more rooms than the server takes: the %s one", async (which) => {
    const { pair } = await bench({ limits: { payloadBytes: 2048 } });
    const ada = pair.client({ connect: false });
    const rooms = Array.from({ length: 60 }, (_, index) => ada.join(`chat/room-number-${index}`));
    ada.connect();
    await pair.clock.settle();
    if (which === "later") ada.reconnect();
    await pair.clock.settle();
    expect(ada.status).toEqual({ state: "open", degraded: false });
    expect(rooms.filter(({ status }) => status.state !== "joined")).toEqual([]);
    const named = pair.lastLink.toServer[0]?.["rooms"] as unknown[];
    expect(named.length).toBeGreaterThan(10);
  });

  test("is not spoilt by a presence state that JSON can't hold: that is refused where it is given", async () => {
    const { pair } = await bench();
    const ada = await pair.openClient();
    expect(() => ada.join("chat/a", { presence: { n: 1n } })).toThrow(TypeError);
    ada.reconnect();
    await pair.clock.settle();
    expect(ada.status.state).toBe("open");
    expect(pair.lastLink.toServer[0]?.["rooms"]).toEqual([]);
  });
});
