import { expect, test } from "vitest";
import { connect, impatient, opened, startBehindProxy, statusOf } from "./clients.ts";
import { startNumbersServer } from "./numbers-server.ts";

test("a request whose reply was lost is not run again: the retry gets the stored reply", async () => {
  const { server, proxy } = await startBehindProxy();
  const client = connect(proxy.port, "ann", impatient);
  await opened(client);
  proxy.freeze("toClient");
  const replies = [1, 2, 3].map((by) => client.request("increment", { by }));
  while (server.increments.runs < 3) await new Promise((resolve) => setImmediate(resolve));
  proxy.cut();
  expect(await Promise.all(replies)).toEqual([1, 3, 6]);
  expect(server.increments.runs).toBe(3);
});

test("a retry that comes while the first run is still at it gets the one answer", async () => {
  const { server, proxy } = await startBehindProxy();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  server.hold = held;
  const client = connect(proxy.port, "ann", impatient);
  await opened(client);
  const reply = client.request("increment", { by: 5 });
  while (server.increments.runs < 1) await new Promise((resolve) => setImmediate(resolve));
  proxy.cut();
  await statusOf(client, ({ state }) => state !== "open");
  await opened(client);
  release();
  expect(await reply).toBe(5);
  expect(server.increments.runs).toBe(1);
});

test("a request under way when its server dies is uncertain; an idempotent one is run again", async () => {
  const { server, proxy } = await startBehindProxy();
  const client = connect(proxy.port, "ann", impatient);
  await opened(client);
  proxy.freeze("toClient");
  const increment = client.request("increment", { by: 1 });
  const double = client.request("double", 21);
  while (server.increments.runs < 1) await new Promise((resolve) => setImmediate(resolve));
  const uncertain = expect(increment).rejects.toMatchObject({ code: "UNCERTAIN", retryable: false });
  await server.close();
  const second = await startNumbersServer({ port: server.port });
  proxy.cut();
  await uncertain;
  expect(await double).toBe(42);
  await second.close();
});

test("a request that can't be sent in time ends with TIMEOUT and is never sent", async () => {
  const { server, proxy } = await startBehindProxy();
  proxy.refuse(true);
  const client = connect(proxy.port, "ann", impatient);
  await expect(client.request("increment", { by: 1 }, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "TIMEOUT",
    retryable: true,
  });
  proxy.refuse(false);
  expect(await client.request("increment", { by: 10 })).toBe(10);
  expect(server.increments.runs).toBe(1);
});

test("a request without an answer ends as uncertain", async () => {
  const { server, proxy } = await startBehindProxy();
  server.hold = new Promise(() => {});
  const client = connect(proxy.port, "ann");
  await opened(client);
  await expect(client.request("increment", { by: 1 }, { timeoutMs: 50 })).rejects.toMatchObject({
    code: "UNCERTAIN",
  });
});
