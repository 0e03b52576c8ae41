import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { nats, type NatsOptions } from "bowline/nats";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { NatsServer, natsPath, type NatsServerOptions } from "../support/nats-server.ts";

describe.skipIf(!natsPath)("nats, when it can't start", () => {
  async function refusal(options: NatsOptions): Promise<string> {
    const startedMs = performance.now();
    const broker = nats(options);
    const error: unknown = await broker.start(new Heard().sink, "node").catch((reason: unknown) => reason);
    await broker.stop();
    expect(performance.now() - startedMs).toBeLessThan(8000);
    return (error as Error).message;
  }

  async function startServer(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = await NatsServer.start(options);
    onTestFinished(() => server.stop());
    return server;
  }

  /** A server that is none. */
  async function impostor(greeting: string): Promise<Server> {
    const impostor = createServer((socket) => {
      socket.on("error", () => {});
      if (greeting) socket.write(greeting);
    });
    await new Promise<void>((resolve) => void impostor.listen(0, "127.0.0.1", resolve));
    return impostor;
  }

  test("nobody listens", async () => {
    expect(await refusal({ servers: "nats://127.0.0.1:9" })).toContain('servers "nats://127.0.0.1:9"');
  });

  test("an address that is none", async () => {
    expect(await refusal({ servers: "::::" })).toContain('servers "::::"');
  });

  for (const greeting of ["", "HTTP/1.1 400 Bad Request\r\n\r\n"])
    test(`something else listens, and says ${JSON.stringify(greeting)}`, async () => {
      const other = await impostor(greeting);
      const { port } = other.address() as AddressInfo;
      expect(await refusal({ servers: `127.0.0.1:${port}` })).toContain(`servers "127.0.0.1:${port}"`);
      other.close();
    });

  test("several that say nothing are each given their time", async () => {
    const others = [await impostor(""), await impostor("")];
    const servers = others.map((other) => `127.0.0.1:${(other.address() as AddressInfo).port}`);
    expect(await refusal({ servers }), "not that of the broker, which waits for all").not.toContain(
      "no answer in",
    );
    for (const other of others) other.close();
  });

  test("NATS without JetStream", async () => {
    const server = await startServer({ jetstream: false });
    expect(await refusal({ servers: server.url })).toContain("-js");
  });

  test("a wrong password", async () => {
    const server = await startServer({ config: 'authorization { user: "ada", password: "right" }' });
    expect(await refusal({ servers: server.url, user: "ada", pass: "wrong" })).toContain("no connection");
    const broker = nats({ servers: server.url, user: "ada", pass: "right" });
    await broker.start(new Heard().sink, "node");
    await broker.stop();
  });

  test("more replicas than there are servers, or than they can keep", async () => {
    const server = await startServer();
    expect(await refusal({ servers: server.url, replicas: 3 })).toMatch(/replicas/);
  });

  test("streams that somebody else made, which are left as they are", async () => {
    const server = await startServer();
    const id = "abcdefghij";
    const own = {
      subjects: ["bowline.log", `bowline.log.${id}.*`],
      allow_direct: true,
      republish: { src: `bowline.log.${id}.*`, dest: "bowline.live.$1.log" },
    };
    for (const other of [
      { subjects: ["bowline.*"] },
      { name: "bowline_log", ...own },
      { ...own, subjects: [...own.subjects, "orders.*"] },
      { ...own, republish: { ...own.republish, dest: "orders.$1" } },
      { subjects: own.subjects, allow_direct: true },
      { subjects: own.subjects, republish: own.republish },
    ]) {
      const { name } = (
        await server.manage(({ streams }) => streams.add({ name: `bowline_log_${id}`, ...other }))
      ).config;
      expect(await refusal({ servers: server.url })).toContain(`the stream ${name} is somebody else's`);
      const kept = await server.manage(({ streams }) => streams.info(name));
      expect(kept.config.max_age).toBe(0);
      for (const { config } of await server.manage(({ streams }) => streams.list().next()))
        await server.deleteStream(config.name);
    }
  });

  test("streams with similar names are left alone", async () => {
    const server = await startServer();
    await server.manage(({ streams }) => streams.add({ name: "bowline_log", subjects: ["carts"] }));
    const broker = nats({ servers: server.url });
    await broker.start(new Heard().sink, "node");
    await broker.stop();
    expect((await server.manage(({ streams }) => streams.info("bowline_log"))).config.subjects).toEqual([
      "carts",
    ]);
  });

  test("streams that are kept elsewhere", async () => {
    const server = await startServer();
    const broker = nats({ servers: server.url, storage: "memory" });
    await broker.start(new Heard().sink, "node");
    await broker.stop();
    expect(await refusal({ servers: server.url })).toMatch(
      /storage is "file", and the stream bowline_[\w-]+ was made with "memory"/,
    );
  });

  test("options that can't be what they are", () => {
    expect(() => nats({ servers: [] })).toThrow(/servers must be/);
    expect(() => nats({ servers: "x", prefix: "a.b" })).toThrow(/prefix must be.*"a\.b"/);
    expect(() => nats({ servers: "x", leaseMs: 0 })).toThrow(/leaseMs must be.*0/);
    expect(() => nats({ servers: "x", replicas: 1.5 })).toThrow(/replicas must be.*1\.5/);
    expect(() => nats({ servers: "x", storage: "disk" as "file" })).toThrow(/storage must be.*"disk"/);
    expect(() => nats({ servers: "x", logTtlMs: 7_000_000 })).toThrow(
      /logTtlMs must be.*7200000, not 7000000/,
    );
    expect(() => nats({ servers: "x", logTtlMs: 5000, sessionTtlMs: 2501 })).toThrow(/logTtlMs/);
    nats({ servers: "x", logTtlMs: 5000, sessionTtlMs: 2500 });
  });

  test.each([
    "nats://ada:hunter2@127.0.0.1:4222",
    "nats://ada:hun/ter2@127.0.0.1:4222",
    "nats+tls://ada:hunter2@127.0.0.1:4222",
    " nats://ada:hun@ter2@127.0.0.1:4222",
    "nats://127.0.0.1:4221,nats://ada:hunter2@127.0.0.1:4222",
    "tls://ada:hunter2@[::1",
    ["nats://127.0.0.1:4221", "hunter2@127.0.0.1:4222"],
    ["", "nats://ada:hunter2@127.0.0.1:4222"],
  ])("an address to sign in with, as %j, which is not shown", (servers) => {
    const mistake = (): unknown => nats({ servers });
    expect(mistake).toThrow(/servers must be without "@": user, pass and token are options/);
    expect(mistake).not.toThrow(/ter2/);
  });
});
