import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()), typing: signal(z.any()) } }) },
  requests: { ask: request({ input: z.any(), output: z.any() }) },
});

async function bench(): Promise<Pair<typeof chat>> {
  const pair = new Pair(chat);
  pair.server.request("ask", () => null);
  return pair.start();
}

describe("what the contract does not have", () => {
  test("is refused where it is asked for", async () => {
    const pair = await bench();
    const ada = await pair.openClient();
    const lobby = ada.join("chat/a");
    const loose = ada as unknown as Record<"join" | "publish" | "request", (...of: unknown[]) => unknown>;
    const looseLobby = lobby as unknown as Record<"publish" | "on", (...of: unknown[]) => unknown>;
    for (const [misuse, text] of [
      [() => loose.join("nowhere"), 'no room pattern of the contract fits "nowhere"'],
      [() => loose.publish("nowhere", "message", 1), 'no room pattern of the contract fits "nowhere"'],
      [() => loose.publish("chat/a", "toString", 1), '"chat/a" has no event "toString"'],
      [() => loose.publish("chat/a", "typing", 1), '"chat/a" has no event "typing"'],
      [() => looseLobby.publish("nothing", 1), '"chat/a" has no event "nothing"'],
      [() => looseLobby.on("nothing", () => {}), '"chat/a" has no event "nothing"'],
      [() => loose.request("toString", 1), 'the contract has no request "toString"'],
    ] as const) {
      expect(misuse).toThrow(new TypeError(text));
    }
    expect(ada.pending).toEqual([]);
  });
});

describe("joining a room", () => {
  test("of a client that was closed is never done: it says so", async () => {
    const pair = await bench();
    const ada = await pair.openClient();
    ada.close();
    const lobby = ada.join("chat/a");
    await expect(lobby.joined()).rejects.toMatchObject({ code: "CLOSED" });
    ada.connect();
    await pair.clock.settle();
    await lobby.joined();
  });
});

test("an onError that throws harms nobody", async () => {
  const pair = await bench();
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  let tokens = 0;
  const ada = pair.client({
    token: () => {
      if ((tokens += 1) === 1) throw new Error("no token");
      return "token";
    },
    onError: (error) => {
      throw error;
    },
  });
  await pair.clock.advance(1000);
  expect(ada.status.state).toBe("open");
  expect(written).toHaveBeenCalledExactlyOnceWith("bowline:", new Error("no token"));
});
