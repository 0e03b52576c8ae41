import * as z from "zod";
import { describe, expect, test } from "vitest";
import type { Fate } from "../../src/client/calls.ts";
import type { Client, ClientOptions } from "../../src/client/client-types.ts";
import { applyChange, type Store, type StoreChange, type StoredState } from "../../src/client/store.ts";
import { contract, event, room } from "../../src/contract/contract.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { memory } from "../../src/server/memory-broker.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { Pair } from "../support/pair.ts";

const diaries = contract({
  rooms: { "diary/:room": room({ events: { note: event(z.string()) }, presence: z.any() }) },
});
const sessionTtlMs = 60_000;

/** The user is what stands before the first dot of a token; without one, a guest. */
const byToken = {
  authenticate: ({ token = "guest" }) => ({ id: token.split(".")[0] as string }),
} satisfies ServerOptions;

/** A device of one user after the other, whose connection, token, memory and store are in the test's hand. */
class Device {
  readonly pair: Pair<typeof diaries>;
  readonly fates: string[] = [];
  readonly errors: string[] = [];
  token: string | undefined;
  client!: Client<typeof diaries>;
  /** What a store has kept. */
  kept: StoredState | null = null;

  static async start(options: ServerOptions = byToken): Promise<Device> {
    const clock = new FakeClock();
    const pair = new Pair(diaries, { broker: memory({ clock, sessionTtlMs }), ...options }, clock);
    return new Device(await pair.start());
  }

  constructor(pair: Pair<typeof diaries>) {
    this.pair = pair;
  }

  /** A client, as the page or process makes it when it starts. */
  async open(options: Partial<ClientOptions> = {}): Promise<void> {
    this.client = this.pair.client({ token: () => this.token, ...options });
    this.client.onFate((fate) => this.#note(fate));
    await this.pair.clock.settle();
  }

  /** The store as the next process finds it. */
  store(): Store {
    return {
      initial: this.kept,
      save: (changes: readonly StoreChange[]) => {
        for (const change of changes) this.kept = applyChange(this.kept, change);
      },
    };
  }

  write(text: string): void {
    this.client.publish("diary/a", "note", text).catch(() => {});
  }

  async goOffline(): Promise<void> {
    this.pair.offline = true;
    if (this.client.status.state === "open") this.pair.lastLink.cut();
    await this.pair.clock.settle();
  }

  /** Time enough for the server to forget a session passes, or none does. */
  async away(server: "forgets" | "remembers"): Promise<void> {
    if (server === "forgets") await this.pair.clock.advance(2 * sessionTtlMs);
  }

  async comeBack(): Promise<void> {
    this.pair.offline = false;
    this.client.reconnect();
    this.client.connect();
    await this.pair.clock.advance(2000);
  }

  /** What is in the log: who wrote what. */
  async log(): Promise<string[]> {
    const stored = await this.pair.server.history("diary/a");
    return stored.map(({ from, payload }) => `${from}: ${payload}`);
  }

  #note(fate: Fate): void {
    if (fate.fate === "queued" || fate.fate === "sent") return;
    this.fates.push(`${fate.payload as string}: ${fate.error?.code ?? "stored"}`);
    if (fate.error) this.errors.push(fate.error.message);
  }
}

describe.each(["forgets", "remembers"] as const)("where the server %s the session", (server) => {
  /** Ada has been here, and writes while she is offline. */
  async function adaWrites(options: Partial<ClientOptions> = {}): Promise<Device> {
    const device = await Device.start();
    device.token = "ada";
    await device.open(options);
    expect(device.client.user).toBe("ada");
    await device.goOffline();
    device.write("of ada");
    await device.away(server);
    return device;
  }

  test("the next user of the same client sends nothing of the former one, and goes on", async () => {
    const device = await adaWrites();
    const former = device.client.session;
    device.token = "bob";
    await device.comeBack();
    expect(device.fates).toEqual(["of ada: SESSION_MISMATCH"]);
    expect(device.client).toMatchObject({ user: "bob", status: { state: "open" } });
    expect(device.client.session).not.toBe(former);
    device.write("of bob");
    await device.pair.clock.settle();
    expect(await device.log()).toEqual(["bob: of bob"]);
  });

  test("nor where it was closed between", async () => {
    const device = await adaWrites();
    device.client.close();
    device.token = "bob";
    await device.comeBack();
    expect(device.fates).toEqual(["of ada: SESSION_MISMATCH"]);
    expect(await device.log()).toEqual([]);
  });

  test("the former user who is the next one, with whatever token, goes on", async () => {
    const device = await adaWrites();
    device.client.close();
    device.token = "ada.2";
    await device.comeBack();
    expect(device.fates).toEqual(["of ada: stored"]);
    expect(await device.log()).toEqual(["ada: of ada"]);
  });

  test.each([
    ["bob", ["of ada: SESSION_MISMATCH"], []],
    ["ada.2", ["of ada: stored"], ["ada: of ada"]],
  ])("a store of ada's is opened as %s", async (token, fates, log) => {
    const device = await Device.start();
    device.token = "ada";
    await device.open({ store: device.store() });
    await device.goOffline();
    device.write("of ada");
    await device.away(server);
    device.client.close();
    device.pair.offline = false;
    device.token = token;
    await device.open({ store: device.store() });
    await device.pair.clock.advance(2000);
    expect(device.fates).toEqual(fates);
    expect(await device.log()).toEqual(log);
    expect(device.kept?.publishes).toEqual([]);
  });

  test("a guest who logs in leaves what the guest queued, and keeps rooms and listeners", async () => {
    const device = await Device.start();
    await device.open();
    const heard: string[] = [];
    const diary = device.client.join("diary/a", { presence: 1 });
    diary.on("note", ({ from, payload }) => heard.push(`${from}: ${payload}`));
    await device.pair.clock.settle();
    await device.goOffline();
    device.write("of a guest");
    await device.away(server);
    device.token = "ada";
    await device.comeBack();
    device.write("of ada");
    // Its socket broke: it counts as present for a while.
    await device.pair.clock.advance(10_000);
    expect(device.fates).toEqual(["of a guest: SESSION_MISMATCH", "of ada: stored"]);
    expect(heard).toEqual(["ada: of ada"]);
    expect([...diary.presence.members.values()].map(({ user }) => user)).toEqual(["ada"]);
  });

  test("a cookie says who it is as well as a token", async () => {
    let cookie = "ada";
    const device = await Device.start({ authenticate: () => ({ id: cookie }) });
    await device.open();
    await device.goOffline();
    device.write("of ada");
    await device.away(server);
    cookie = "bob";
    await device.comeBack();
    expect(device.fates).toEqual(["of ada: SESSION_MISMATCH"]);
    expect(await device.log()).toEqual([]);
  });

  test("where nobody is authenticated, everything goes out", async () => {
    const device = await Device.start({});
    await device.open();
    await device.goOffline();
    device.write("of whoever");
    await device.away(server);
    device.client.close();
    await device.comeBack();
    expect(await device.log()).toEqual([`${device.client.session}: of whoever`]);
  });
});

describe("what is queued before any welcome", () => {
  async function unwelcomed(options: Partial<ClientOptions> = {}): Promise<Device> {
    const device = await Device.start();
    device.token = "ada";
    device.pair.offline = true;
    await device.open(options);
    device.write("of ada");
    return device;
  }
  const refused = ["of ada: SESSION_MISMATCH"];

  test("goes out over the same token", async () => {
    const device = await unwelcomed();
    await device.pair.clock.advance(30_000);
    await device.comeBack();
    expect(device.fates).toEqual(["of ada: stored"]);
  });

  test("goes out over no token, where there was none", async () => {
    const device = await Device.start();
    device.pair.offline = true;
    await device.open();
    device.write("of a guest");
    await device.comeBack();
    expect(await device.log()).toEqual(["guest: of a guest"]);
  });

  test.each(["bob", "ada.2", undefined])(
    "is refused where the token changed meanwhile, to %s",
    async (token) => {
      const device = await unwelcomed();
      device.token = token;
      await device.comeBack();
      expect(device.fates).toEqual(refused);
      expect(device.errors[0]).toMatch(/option "user"/);
      expect(await device.log()).toEqual([]);
      device.write("later");
      await device.pair.clock.settle();
      expect(device.fates).toContain("later: stored");
    },
  );

  test("is refused where the token changed and came back", async () => {
    const device = await unwelcomed();
    device.token = "bob";
    await device.pair.clock.advance(60_000);
    device.token = "ada";
    await device.comeBack();
    expect(device.fates).toEqual(refused);
  });

  test("is refused where the client was closed between, or had not been connected", async () => {
    const device = await unwelcomed();
    device.client.close();
    await device.comeBack();
    expect(device.fates).toEqual(refused);
    await device.open({ connect: false });
    device.write("too early");
    await device.comeBack();
    expect(device.fates).toEqual([...refused, "too early: SESSION_MISMATCH"]);
  });

  test("is refused where a store kept it", async () => {
    const device = await Device.start();
    device.token = "ada";
    device.pair.offline = true;
    await device.open({ store: device.store() });
    device.write("of ada");
    device.client.close();
    device.pair.offline = false;
    await device.open({ store: device.store() });
    expect(device.fates).toEqual(refused);
    expect(await device.log()).toEqual([]);
  });

  test.each([
    ["ada", ["of ada: stored"], ["ada: of ada"]],
    ["bob", refused, []],
  ])("with the option user: is kept by a store, and %s is next", async (next, fates, log) => {
    const device = await Device.start();
    device.token = "ada";
    device.pair.offline = true;
    await device.open({ store: device.store(), user: "ada", connect: false });
    device.write("of ada");
    device.pair.offline = false;
    device.token = `${next}.2`;
    await device.open({ store: device.store(), user: () => next });
    expect(device.fates).toEqual(fates);
    expect(await device.log()).toEqual(log);
  });

  test("of a session that an older version stored: what was sent is uncertain, the rest goes out as nobody else", async () => {
    for (const [options, fates] of [
      [{}, ["sent: UNCERTAIN", "not sent: stored"]],
      [byToken, ["sent: UNCERTAIN", "not sent: SESSION_MISMATCH"]],
    ] as const) {
      const device = await Device.start(options);
      const publish = { room: "diary/a", event: "note" };
      device.kept = {
        session: {
          id: "drawn-apart",
          secret: "s".repeat(24),
          generation: 3,
          refs: 1001,
          ledger: "old",
        } as never,
        publishes: [
          { ...publish, ref: 1, json: '"sent"', sent: true },
          { ...publish, ref: 2, json: '"not sent"', sent: false },
        ],
      };
      await device.open({ store: device.store() });
      expect(device.fates).toEqual(fates);
    }
  });
});

describe("with the option user, a new one", () => {
  async function ada(): Promise<{ device: Device; account: { user: string | null } }> {
    const device = await Device.start();
    const account = { user: "ada" as string | null };
    device.token = "ada";
    await device.open({ user: () => account.user });
    return { device, account };
  }

  test("ends what the former one had queued at once, and writes under refs that go on", async () => {
    const { device, account } = await ada();
    await device.goOffline();
    device.write("of ada");
    account.user = device.token = "bob";
    const publish = device.client.publish("diary/a", "note", "of bob");
    expect(publish.id).toBe(null);
    expect(device.fates).toEqual(["of ada: SESSION_MISMATCH"]);
    await device.comeBack();
    const [stored] = await device.pair.server.history("diary/a");
    expect(stored).toMatchObject({ from: "bob", payload: "of bob", id: publish.id });
    expect(publish.id).toBe(`${device.client.session}-${publish.ref}`);
  });

  test.each(["publish", "signal", "reconnect"])(
    "takes over an open connection with a %s, and the former is gone",
    async (how) => {
      const { device, account } = await ada();
      const other = await device.pair.openClient({ token: "eve" });
      const hall = other.join("diary/a");
      const diary = device.client.join("diary/a", { presence: 1 });
      await device.pair.clock.settle();
      account.user = device.token = "bob";
      if (how === "publish") device.write("of bob");
      else if (how === "reconnect") device.client.reconnect();
      else device.client.join("diary/b");
      await device.pair.clock.settle();
      expect(device.client.user).toBe("bob");
      expect(diary.status.state).toBe("joined");
      await device.pair.clock.advance(100);
      expect([...hall.presence.members.values()].map(({ user }) => user)).toEqual(["bob"]);
      if (how === "publish") expect(await device.log()).toEqual(["bob: of bob"]);
    },
  );

  test("whom the server knows by another name is told so, call by call, and dials without haste", async () => {
    const { device, account } = await ada();
    account.user = "bob";
    for (let count = 0; count < 20; count += 1) {
      device.write(`note ${count}`);
      await device.pair.clock.advance(100);
    }
    await device.pair.clock.advance(60_000);
    expect(await device.log()).toEqual([]);
    expect(device.fates).toHaveLength(20);
    expect(device.pair.links.length).toBeLessThan(8);
  });

  test("that is not known changes nothing", async () => {
    const { device, account } = await ada();
    for (const user of [null, "", undefined]) {
      account.user = user as string | null;
      device.write("of ada");
      await device.pair.clock.settle();
    }
    expect(await device.log()).toEqual(["ada: of ada", "ada: of ada", "ada: of ada"]);
    expect(device.pair.links).toHaveLength(1);
  });

  test("is a text: another value is refused with the call, and shown nowhere", async () => {
    const device = await Device.start();
    await device.open({ user: (() => 42) as never, connect: false });
    await expect(device.client.publish("diary/a", "note", "x")).rejects.toThrow(
      /user must be a string .* not number/,
    );
  });
});
