import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import type { Client } from "../../src/client/client-types.ts";
import { contract, event, request, room, signal } from "../../src/contract/contract.ts";
import type { Schema } from "../../src/contract/schema.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import type { Broker } from "../../src/server/broker.ts";
import { memory } from "../../src/server/memory-broker.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { both, boom, ends, expectNothingEscapes, hangs, throwUnreadable } from "../support/ends.ts";
import { altered, oddOnce } from "../support/log-broker.ts";
import { Pair } from "../support/pair.ts";
import { RecordedLog } from "../support/recorded-log.ts";

expectNothingEscapes();

/** The functions that a server is given: each is replaced by what a test says, for the calls it means. */
interface Given {
  authenticate: () => unknown;
  join: () => unknown;
  message: () => unknown;
  typing: () => unknown;
  ask: () => unknown;
  schema: (value: unknown) => unknown;
}

function openContract(
  schemas: Partial<Record<"event" | "signal" | "presence" | "input" | "output", Schema>>,
) {
  const any = z.any();
  return contract({
    rooms: {
      "chat/:room": room({
        events: {
          message: event(schemas.event ?? any),
          other: event(any),
          typing: signal(schemas.signal ?? any),
        },
        presence: schemas.presence ?? any,
      }),
    },
    requests: {
      ask: request({ input: schemas.input ?? any, output: schemas.output ?? any }),
      other: request({ input: any, output: any }),
    },
  });
}

const schemaOf = (validate: () => unknown): Schema => ({
  "~standard": { version: 1, vendor: "test", validate: validate as never },
});

type Chat = ReturnType<typeof openContract>;

async function bench(
  given: Partial<Given>,
  where?: "event" | "signal" | "presence" | "input" | "output",
  options: ServerOptions = {},
) {
  const schemas = where ? { [where]: schemaOf(given.schema as () => unknown) } : {};
  const pair = new Pair(openContract(schemas), {
    ...options,
    ...(given.authenticate && {
      authenticate: (({ token }: { token?: string }) =>
        token === "odd" ? given.authenticate?.() : { id: token ?? "guest" }) as never,
    }),
  });
  pair.server
    .room("chat/:room", {
      join: (({ params }: { params: { room: string } }) =>
        params.room === "odd" && given.join ? given.join() : true) as never,
      on: { message: given.message as never, typing: given.typing as never },
    })
    .request("ask", (given.ask ?? (() => 1)) as never)
    .request("other", () => "answer");
  await pair.start();
  const ada = await pair.openClient({ token: "ada" });
  const bea = await pair.openClient({ token: "bea" });
  const fine = ada.join("chat/fine");
  await pair.clock.settle();
  return { pair, ada, bea, fine };
}

type Bench = Awaited<ReturnType<typeof bench>>;

/** Beyond every bound. */
const longMs = 45_000;

async function settled(pair: Pair<Chat>, call: Promise<unknown>): Promise<unknown> {
  const outcome = call.then(
    () => "done",
    (error: unknown) => (error as { code?: string }).code,
  );
  await pair.clock.advance(longMs);
  return outcome;
}

/** Others go on, and so does the one whose call failed. */
async function expectOthersGoOn({ pair, ada, bea }: Bench): Promise<void> {
  for (const client of [ada, bea]) {
    const answer = client.request("other", 1);
    const position = client.publish("chat/fine", "other", 1);
    await pair.clock.settle();
    expect(await answer).toBe("answer");
    expect((await position).offset).toBeGreaterThan(0);
  }
}

const joined = (client: Client<Chat>, name: "chat/odd" | "chat/new", presence?: unknown): Promise<void> =>
  client.join(name, presence === undefined ? {} : { presence }).joined();

interface Site {
  readonly name: string;
  readonly given: (end: () => unknown) => Partial<Given>;
  readonly where?: "event" | "signal" | "presence" | "input" | "output";
  readonly trigger: (bench: Bench) => Promise<unknown>;
  /** What the caller is told where it fails, and where it hangs. */
  readonly code: string;
  readonly late?: string;
}

const signalled = ({ fine }: Bench): Promise<never> =>
  new Promise<never>((_, reject) => {
    fine.onError(reject);
    fine.publish("typing", 1);
  });
const published = ({ ada }: Bench): Promise<unknown> => ada.publish("chat/fine", "message", 1);
const asked = ({ ada }: Bench): Promise<unknown> => ada.request("ask", 1, { timeoutMs: 100_000 });

const sites: Site[] = [
  {
    name: "a join hook",
    given: (join) => ({ join }),
    trigger: ({ ada }) => joined(ada, "chat/odd"),
    code: "INTERNAL",
  },
  {
    name: "a join hook asked by a publish",
    given: (join) => ({ join }),
    trigger: ({ ada }) => ada.publish("chat/odd", "message", 1),
    code: "INTERNAL",
  },
  { name: "an event's handler", given: (message) => ({ message }), trigger: published, code: "INTERNAL" },
  { name: "a signal's handler", given: (typing) => ({ typing }), trigger: signalled, code: "INTERNAL" },
  {
    name: "a request's handler",
    given: (ask) => ({ ask }),
    trigger: asked,
    code: "INTERNAL",
    late: "UNCERTAIN",
  },
  {
    name: "an event's schema",
    given: (schema) => ({ schema }),
    where: "event",
    trigger: published,
    code: "INTERNAL",
  },
  {
    name: "a signal's schema",
    given: (schema) => ({ schema }),
    where: "signal",
    trigger: signalled,
    code: "INTERNAL",
  },
  {
    name: "a presence schema",
    given: (schema) => ({ schema }),
    where: "presence",
    trigger: ({ ada }) => joined(ada, "chat/new", {}),
    code: "INTERNAL",
  },
  {
    name: "a request's input schema",
    given: (schema) => ({ schema }),
    where: "input",
    trigger: asked,
    code: "INTERNAL",
  },
  {
    name: "a request's output schema",
    given: (schema) => ({ schema }),
    where: "output",
    trigger: asked,
    code: "INTERNAL",
    late: "UNCERTAIN",
  },
];

describe.each(sites)("$name", ({ given, where, trigger, code, late = code }) => {
  test.each(both)("that %s is told the caller, reported once, and holds nobody up", async (how, end) => {
    const scene = await bench(given(end), where);
    expect(await settled(scene.pair, trigger(scene))).toBe(how in hangs ? late : code);
    expect(scene.pair.errors).toHaveLength(1);
    if (how in ends) expect(scene.pair.errors[0]).toBe(boom);
    else expect(String(scene.pair.errors[0])).toMatch(/took longer than 30000 ms \(limits\./);
    await expectOthersGoOn(scene);
  });
});

test.each(sites)("$name that throws what can't be looked at refuses, and ends nothing", async (site) => {
  const scene = await bench(site.given(throwUnreadable), site.where);
  expect(await settled(scene.pair, site.trigger(scene))).toBe("INTERNAL");
  expect(scene.pair.errors).toHaveLength(1);
  await expectOthersGoOn(scene);
});

describe("authenticate", () => {
  test.each(both)(
    "that %s refuses that client, is reported once, and gives its place back",
    async (how, end) => {
      const scene = await bench({ authenticate: end });
      const { pair } = scene;
      const places = pair.server.stats().connections;
      const raw = await pair.socket("odd");
      await pair.clock.advance(12_000);
      expect(raw.closeCode).toBe(1006);
      expect(pair.errors).toHaveLength(1);
      if (how in hangs) expect(String(pair.errors[0])).toMatch(/authenticate took longer than 10000 ms/);
      expect(pair.server.stats().connections).toBe(places);
      await expectOthersGoOn(scene);
    },
  );
});

describe("onError", () => {
  test.each(both)("that %s is logged once, and ends nothing", async (how, end) => {
    const logger = new RecordedLog();
    const fault = (): never => {
      throw new Error("a fault");
    };
    const scene = await bench({ message: fault }, undefined, { onError: end, logger });
    expect(await settled(scene.pair, published(scene))).toBe("INTERNAL");
    await expectOthersGoOn(scene);
    await new Promise((resolve) => setImmediate(resolve));
    const said = logger.of("error").map(({ message }) => message);
    expect(said).toEqual(how in ends ? ["onError failed: Error: boom"] : []);
  });
});

/** Calls of the broker for which somebody waits, and what makes the server do each. */
const brokerCalls: [name: keyof Broker, trigger: (scene: Bench) => Promise<unknown>][] = [
  ["append", ({ ada }) => ada.publish("chat/a", "other", 1)],
  ["subscribe", ({ ada }) => ada.join("chat/a").joined()],
  ["members", ({ ada }) => ada.join("chat/a").joined()],
  ["enter", ({ ada }) => ada.join("chat/a", { presence: {} }).joined()],
  ["claimRequest", ({ ada }) => ada.request("other", 1, { timeoutMs: 100_000 })],
  ["answerRequest", ({ ada }) => ada.request("other", 1, { timeoutMs: 100_000 })],
];

describe.each(brokerCalls)("the broker's %s", (name, trigger) => {
  test.each(both)("that %s once is reported once, and done again", async (_how, end) => {
    const odd = oddOnce(name, end);
    const scene = await bench({}, undefined, { broker: odd.broker });
    odd.arm();
    expect(await settled(scene.pair, trigger(scene))).toBe("done");
    expect(scene.pair.errors).toHaveLength(1);
    await expectOthersGoOn(scene);
  });
});

test.each(Object.entries(ends))(
  "a broker that %s where it is only told something ends nothing",
  async (_how, end) => {
    const odd = { signal: end, renewSessions: end, unsubscribe: end, exit: end } as never;
    const scene = await bench({}, undefined, { broker: altered(memory(), odd) });
    const lobby = scene.ada.join("chat/a", { presence: {} });
    await scene.pair.clock.settle();
    lobby.publish("typing", 1);
    lobby.leave();
    await scene.pair.clock.advance(longMs);
    expect(new Set(scene.pair.errors)).toEqual(new Set([boom]));
    await expectOthersGoOn(scene);
  },
);

test("requests that hang do not hold a client up for good", async () => {
  const scene = await bench({ ask: () => new Promise(() => {}) });
  const { pair, ada } = scene;
  const outcomes = Promise.all(Array.from({ length: 256 }, () => settled(pair, asked(scene))));
  const behind = ada.publish("chat/a", "other", 1);
  await pair.clock.advance(longMs);
  expect(new Set(await outcomes)).toEqual(new Set(["UNCERTAIN"]));
  expect((await behind).offset).toBe(1);
});

test("what a request's handler gives too late is dropped: asked again, it counts as unanswered", async () => {
  let finish: (value: string) => void = () => {};
  const answered = vi.fn();
  const inner = memory();
  const broker = altered(inner, {
    answerRequest: (...of) => {
      answered();
      return inner.answerRequest(...of);
    },
  });
  const scene = await bench({ ask: () => new Promise((resolve) => (finish = resolve)) }, undefined, {
    broker,
  });
  expect(await settled(scene.pair, asked(scene))).toBe("UNCERTAIN");
  finish("late");
  await scene.pair.clock.settle();
  expect(answered).not.toHaveBeenCalled();
  expect(scene.pair.lastLink.toClient.filter(({ type }) => type === "reply")).toEqual([]);
});

/** Starts and stops a server whose broker does one of them oddly. */
async function running(calls: Partial<Record<"start" | "stop", () => unknown>>) {
  const pair = new Pair(openContract({}), { broker: altered(memory(), calls as never) });
  pair.server.request("ask", () => 1).request("other", () => 1);
  const outcome = async (work: Promise<unknown>): Promise<string> => {
    const ended = work.then(() => "done", String);
    await pair.clock.advance(65_000);
    return ended;
  };
  return { pair, outcome };
}

describe("a broker's start", () => {
  test.each(both)("that %s is told to whoever starts the server", async (how, end) => {
    const { pair, outcome } = await running({ start: end });
    const said = how in ends ? "Error: boom" : "Error: the broker memory did not start within 60 s";
    expect(await outcome(pair.start())).toBe(said);
    expect(pair.errors).toEqual([]);
  });

  test("that ends too late is stopped again", async () => {
    let begin = (): void => {};
    const stop = vi.fn<() => Promise<void>>(async () => {});
    const { pair, outcome } = await running({ start: () => new Promise<void>((go) => (begin = go)), stop });
    await outcome(pair.start());
    expect(stop).not.toHaveBeenCalled();
    begin();
    await pair.clock.settle();
    expect(stop).toHaveBeenCalledOnce();
  });
});

describe("a broker's stop", () => {
  test.each(both)("that %s is told to whoever closes the server", async (how, end) => {
    const { pair, outcome } = await running({ stop: end });
    await pair.start();
    const said = how in ends ? "Error: boom" : "Error: the broker memory did not stop within 30 s";
    expect(await outcome(pair.server.close())).toBe(said);
  });
});

/** Calls of the broker that no client waits for long, or at all, and what makes the server do each. */
const otherCalls: [name: keyof Broker, trigger: (scene: Bench) => unknown][] = [
  ["read", ({ pair }) => pair.server.history("chat/fine").catch(() => {})],
  ["nodes", ({ pair }) => pair.server.clusterStats().catch(() => {})],
  ["tell", ({ pair }) => pair.server.clusterStats().catch(() => {})],
  ["openSession", ({ ada }) => ada.reconnect()],
  ["renewSessions", ({ pair }) => pair.lastLink.cut()],
  ["signal", ({ fine }) => fine.publish("typing", 1)],
  ["unsubscribe", ({ ada }) => ada.join("chat/gone").leave()],
  [
    "exit",
    async ({ ada, pair }) => {
      const room = ada.join("chat/gone", { presence: {} });
      await pair.clock.settle();
      room.leave();
    },
  ],
  [
    "find",
    ({ ada, pair }) => {
      void ada.publish("chat/fine", "other", 1);
      pair.links[0]?.cut();
    },
  ],
];

describe.each(otherCalls)("the broker's %s", (name, trigger) => {
  test.each(both)("that %s once ends nothing, and others go on", async (how, end) => {
    const odd = oddOnce(name, end);
    const scene = await bench({}, undefined, { broker: odd.broker });
    odd.arm();
    await Promise.race([trigger(scene), scene.pair.clock.advance(0)]);
    await scene.pair.clock.advance(60_000);
    expect(odd.isArmed(), "it was called").toBe(false);
    // Of what only tells, nobody waits for an end.
    const isTold = name === "tell" || name === "signal" || name === "renewSessions";
    expect(scene.pair.errors.length).toBe(isTold && how in hangs ? 0 : 1);
    await expectOthersGoOn(scene);
  });
});

/** An object of which nothing can be read. */
const closed = (): object =>
  new Proxy(
    {},
    {
      get: () => {
        throw boom;
      },
    },
  );

describe("authenticate", () => {
  const odd: [what: string, give: () => unknown][] = [
    ["a number", () => 5],
    ["a text", () => "ada"],
    ["an id that is a number", () => ({ id: 5 })],
    ["an empty id", () => ({ id: "" })],
    ["what can't be read", closed],
    ["a promise of what can't be read", async () => ({ id: closed() })],
    [
      "nothing, and throws what can't be read",
      () => {
        throw closed() as Error;
      },
    ],
  ];
  test.each(odd)(
    "that gives %s refuses with 500, is reported once, and holds no place",
    async (_what, give) => {
      const scene = await bench({ authenticate: give });
      const { gate } = scene.pair.server;
      const places = scene.pair.server.stats().connections;
      const headers = { authorization: "Bearer odd", "sec-websocket-protocol": "bowline.v1.json" };
      const answer = await gate.admit({ url: "/bowline", address: "::1", headers }, { holds: true });
      expect(answer).toMatchObject({ ok: false, status: 500, code: "INTERNAL" });
      expect(scene.pair.errors).toHaveLength(1);
      expect(scene.pair.server.stats().connections).toBe(places);
      await expectOthersGoOn(scene);
    },
  );

  test("whose user has another id later, or none to be read, is who it was", async () => {
    let reads = 0;
    const user = {
      get id() {
        reads += 1;
        if (reads > 1) throw boom;
        return "odd";
      },
    };
    const scene = await bench({ authenticate: () => user });
    const cat = await scene.pair.openClient({ token: "odd" });
    expect(cat.user).toBe("odd");
    const lobby = cat.join("chat/fine", { presence: {} });
    await scene.pair.clock.settle();
    expect([...lobby.presence.members.values()].map((member) => member.user)).toEqual(["odd"]);
    const told = scene.pair.server.user("odd").disconnect();
    await scene.pair.clock.advance(longMs);
    expect(await told).toMatchObject({ connections: 1 });
    expect(scene.pair.errors).toEqual([]);
    await expectOthersGoOn(scene);
  });
});

test.each<[string, () => object]>([
  ["of nothing", () => ({ code: "odd", message: "m", issues: [null] })],
  ["that can't be read", () => ({ code: "odd", message: "m", issues: [closed()] })],
  ["beside a code that can't be written", () => ({ code: closed(), message: "m", issues: [] })],
])("a refusal with issues %s is INTERNAL to the caller", async (_what, parts) => {
  const ask = (): never => {
    throw Object.assign(new BowlineError("odd", "m"), parts());
  };
  const scene = await bench({ ask, typing: ask, message: ask });
  for (const trigger of [asked, published, signalled])
    expect(await settled(scene.pair, trigger(scene))).toBe("INTERNAL");
  await expectOthersGoOn(scene);
});

test("a BowlineError of another copy of the package refuses as one of this copy does", async () => {
  const address = new URL("../../src/protocol/errors.ts?copy", import.meta.url).href;
  const copy = (await import(/* @vite-ignore */ address)) as { BowlineError: typeof BowlineError };
  expect(copy.BowlineError).not.toBe(BowlineError);
  const refuse = (): never => {
    throw new copy.BowlineError("FORBIDDEN", "no");
  };
  const scene = await bench({
    authenticate: refuse,
    join: refuse,
    ask: refuse,
    message: refuse,
    typing: refuse,
  });
  for (const trigger of [asked, published, signalled, () => joined(scene.ada, "chat/odd")])
    expect(await settled(scene.pair, trigger(scene))).toBe("FORBIDDEN");
  const headers = { authorization: "Bearer odd", "sec-websocket-protocol": "bowline.v1.json" };
  const answer = await scene.pair.server.gate.admit({ url: "/", address: "::1", headers }, { holds: true });
  expect(answer).toMatchObject({ status: 403, code: "FORBIDDEN" });
  expect(scene.pair.errors).toEqual([]);
});
