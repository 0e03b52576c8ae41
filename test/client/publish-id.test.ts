import * as z from "zod";
import { expect, test } from "vitest";
import { contract, event, room } from "../../src/contract/contract.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: { "chat/:room": room({ events: { message: event(z.object({ text: z.string() })) } }) },
});

test("a publish has a ref from the start, and its id once the client was welcomed: with its fates, before its message", async () => {
  const pair = await new Pair(chat).start();
  const ada = pair.client();
  const told: string[] = [];
  ada.onFate(({ fate, ref, id }) => told.push(`${fate} ${ref} ${id}`));
  const lobby = ada.join("chat/a");
  lobby.on("message", ({ id }) => told.push(`message ${id}`));
  const publish = lobby.publish("message", { text: "hi" });
  const [waiting] = ada.pending;
  expect([publish.ref, publish.id, ada.session, waiting?.id]).toEqual([1, null, null, null]);
  await pair.clock.settle();
  const { id } = publish;
  expect(id).toBe(`${ada.session}-1`);
  expect(told.toSorted()).toEqual(
    [`message ${id}`, "queued 1 null", `sent 1 ${id}`, `stored 1 ${id}`].toSorted(),
  );
  expect(told.indexOf(`message ${id}`)).toBeGreaterThan(told.indexOf(`sent 1 ${id}`));
  expect(lobby.publish("message", { text: "again" }).id).toBe(`${ada.session}-2`);
});
