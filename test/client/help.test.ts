import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import * as help from "../../src/client/help.ts";
import * as production from "../../src/client/help.production.ts";
import { contract, event, request, room } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import { Pair } from "../support/pair.ts";

// The client as a production build of a page has it.
vi.mock("#client/help", () => import("../../src/client/help.production.ts"));

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.any()) } }) },
  requests: { ask: request({ input: z.any(), output: z.any() }) },
});

type Call = (...of: unknown[]) => unknown;

/** A client without the types that would not let it be misused. */
async function openClient() {
  const pair = new Pair(chat);
  pair.server.request("ask", () => null);
  await pair.start();
  return { pair, ada: (await pair.openClient()) as unknown as Record<"join" | "publish" | "request", Call> };
}

test("it has all that the other has", () => {
  expect(Object.keys(production).toSorted()).toEqual(Object.keys(help).toSorted());
});

describe("in production", () => {
  test("misuse throws as it does elsewhere, and names what was wrong", async () => {
    const { pair, ada } = await openClient();
    const lobby = ada.join("chat/a", {}) as Record<"on", Call>;
    await pair.clock.settle();
    for (const [call, text] of [
      [() => pair.client({ stroe: 1 } as never), "option: stroe"],
      [() => ada.join("nowhere"), "room: nowhere"],
      [() => ada.join("chat/a", { history: 9 }), "joined: chat/a"],
      [() => ada.request("aks", 1), "request: aks"],
      [() => ada.publish("chat/a", "x", 1), "event: chat/a,x"],
      [() => lobby.on("x", () => {}), "event: chat/a,x"],
      [() => pair.client({ url: "ftp://x", connect: true }), "url: ftp://x"],
    ] as const) {
      expect(call).toThrow(new TypeError(text));
    }
  });

  test("a client neither asks for the server's contract nor says what differs", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { pair } = await openClient();
    const hello = pair.lastLink.toServer[0];
    expect(hello).toMatchObject({ type: "hello" });
    expect(hello).not.toHaveProperty("contract");
    expect(pair.lastLink.toClient[0]).not.toHaveProperty("contract");
    expect(warn).not.toHaveBeenCalled();
  });

  test("what the client refuses says its code, what it was about, and whether to try again", async () => {
    const { pair, ada } = await openClient();
    const refused = Promise.resolve(ada.publish("chat/a", "message", "x".repeat(2 ** 20))).catch(
      (error: unknown) => error,
    );
    await pair.clock.settle();
    const error = (await refused) as BowlineError;
    expect(error).toBeInstanceOf(BowlineError);
    expect(error).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      retryable: false,
      room: "chat/a",
      event: "message",
    });
    expect(error.message).toBe("PAYLOAD_TOO_LARGE");
  });
});
