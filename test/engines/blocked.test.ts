import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { connect, opened } from "../guarantees/clients.ts";
import { spawnScript } from "../support/spawned.ts";

test("a server that was held up for longer than two heartbeats hears everybody before it gives anybody up", async () => {
  const { lines, printed } = spawnScript(new URL("blocked-server.ts", import.meta.url));
  await printed(1);
  const port = Number(lines[0]);
  const [blocker, quiet, ...chatty] = ["ann", "bob", "cid", "dee"].map((user) => connect(port, user));
  const clients = [blocker, quiet, ...chatty].filter((client) => client !== undefined);
  const states: string[] = [];
  for (const client of clients) {
    await opened(client);
    client.onStatus(({ state }) => states.push(state));
  }
  // One that has opened, and says hello while nobody listens.
  const late = new WebSocket(`ws://127.0.0.1:${port}/bowline`, ["bowline.v1.json"], {
    headers: { authorization: "Bearer eve" },
  });
  onTestFinished(() => late.terminate());
  await once(late, "open");
  const held = blocker?.request("increment", { by: 2700 });
  const hello = {
    secret: "f0Yw2s8Xk1QeZr7Tt5Uu3Nn9",
    generation: 1,
    rooms: [],
  };
  // On its way behind the request, which is being run.
  await printed(2);
  late.send(JSON.stringify({ type: "hello", ...hello }));
  const published = chatty.flatMap((client) =>
    [1, 2, 3].map(async (n) => client.join("numbers/a").publish("number", { n })),
  );
  const [welcome] = (await once(late, "message")) as [Buffer];
  expect(welcome.toString()).toMatch(/"type":"(welcome|error)"/);
  await held;
  await Promise.all(published);
  // Long enough for whoever was given up to be found out.
  expect(await quiet?.request("double", 2)).toBe(4);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(states).toEqual([]);
  expect(late.readyState).toBe(WebSocket.OPEN);
});
