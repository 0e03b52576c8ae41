import { FakeClock } from "../support/fake-clock.ts";
import { silentLogging } from "../support/recorded-log.ts";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { contract, event } from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import type { Refused, UpgradeRequest } from "../../src/server/engine.ts";
import { Doorkeeper, type AuthRequest, type DoorkeeperOptions } from "../../src/server/gate.ts";
import { originRule } from "../../src/server/origins.ts";
import { WireFormats } from "../../src/server/wire-formats.ts";

type Headers = UpgradeRequest["headers"];
const protocol = { "sec-websocket-protocol": "bowline.v1.json" };

function bench(options: Partial<DoorkeeperOptions> = {}) {
  const reported: unknown[] = [];
  const clock = new FakeClock();
  const keeper = new Doorkeeper({
    contract: contract({}),
    authenticate: undefined,
    origins: originRule("same"),
    formats: new WireFormats([]),
    connectionsMax: 100,
    handshakeMs: 5000,
    clock,
    logging: silentLogging(clock),
    report: (error, stage) => reported.push([stage, error]),
    ...options,
  });
  const request = (headers: Headers = {}): UpgradeRequest => ({
    url: "/bowline?lang=en",
    address: "::1",
    headers: { ...protocol, ...headers },
  });
  const admit = (headers: Headers = {}) => keeper.admit(request(headers), { holds: true });
  const ask = (headers: Headers = {}) => keeper.admit(request(headers), { holds: false });
  return { clock, keeper, reported, admit, ask };
}

/** What `authenticate` is given for these headers. */
async function seen(headers: Headers): Promise<AuthRequest> {
  const requests: AuthRequest[] = [];
  const authenticate = (request: AuthRequest) => {
    requests.push(request);
    return { id: "ada" };
  };
  await bench({ authenticate }).admit(headers);
  return requests[0] as AuthRequest;
}

describe("an upgrade", () => {
  test("is admitted without a user where nobody authenticates", async () => {
    expect(await bench().admit()).toEqual({
      ok: true,
      user: null,
      userId: "",
      expiresAt: null,
      subprotocol: "bowline.v1.json",
    });
  });

  test("is admitted as whom authenticate names, until the token runs out", async () => {
    const user = { id: "ada", expiresAt: 4e12, role: "admin" };
    expect(await bench({ authenticate: async () => user }).admit()).toEqual({
      ok: true,
      user,
      userId: "ada",
      expiresAt: 4e12,
      subprotocol: "bowline.v1.json",
    });
  });

  test("that does not offer the subprotocol is refused with 400", async () => {
    for (const offered of [undefined, "", "chat", "bowline.v1.jsonx", "bowline.token.x"]) {
      expect(await bench().admit({ "sec-websocket-protocol": offered })).toMatchObject({ status: 400 });
    }
    expect(await bench().admit({ "sec-websocket-protocol": ["chat", "x,bowline.v1.json "] })).toMatchObject({
      ok: true,
    });
  });

  test("is refused as well where the drain began while it was asked who it is", async () => {
    let answer = (_user: { id: string }): void => {};
    const authenticate = () => new Promise<{ id: string }>((resolve) => (answer = resolve));
    const { keeper, admit } = bench({ authenticate });
    const admission = admit();
    keeper.closedForSeconds = 6;
    answer({ id: "ada" });
    expect(await admission).toMatchObject({ status: 503, code: "DRAINING", retryAfterSeconds: 6 });
    expect(keeper.places).toBe(0);
  });

  test("is refused with 503 and a time to wait while the server drains", async () => {
    const { keeper, admit } = bench();
    keeper.closedForSeconds = 6;
    expect(await admit()).toMatchObject({ status: 503, code: "DRAINING", retryAfterSeconds: 6 });
  });
});

describe("what authenticate does", () => {
  const answer = (authenticate: DoorkeeperOptions["authenticate"]) => bench({ authenticate }).admit();

  test("null refuses with 401", async () => {
    expect(await answer(() => null)).toMatchObject({ ok: false, status: 401, code: "UNAUTHORIZED" });
    expect(await answer(() => undefined as never)).toMatchObject({ status: 401 });
  });

  test.each([
    ["FORBIDDEN", 403],
    ["UNAUTHORIZED", 401],
    ["UNAVAILABLE", 503],
    ["banned", 401],
  ])("a BowlineError %s refuses with %i, its code and its message", async (code, status) => {
    const refuse = (): never => {
      throw new BowlineError(code, "because");
    };
    expect(await answer(refuse)).toMatchObject({ status, code, message: "because" });
  });

  test("any other error is reported, and says nothing of itself to the client", async () => {
    const failure = new Error("the database password is x");
    const { admit, reported } = bench({ authenticate: async () => Promise.reject(failure) });
    const refusal = await admit();
    expect(refusal).toMatchObject({ status: 500, code: "INTERNAL" });
    expect(JSON.stringify(refusal)).not.toContain("password");
    expect(reported).toEqual([["authenticate", failure]]);
  });

  test.each([
    {},
    { id: "" },
    { id: 7 },
    { id: "x".repeat(257) },
    "ada",
    { id: "a", expiresAt: "soon" },
    { id: "a", expiresAt: NaN },
    { id: "a", expiresAt: Infinity },
    { id: "a", expiresAt: 0 },
    { id: "a", expiresAt: 1e12 },
    { id: "a", expiresAt: 1_700_000_000 },
  ])("a user like %j is a fault of the server", async (user) => {
    const { admit, reported } = bench({ authenticate: () => user as never });
    expect(await admit()).toMatchObject({ status: 500 });
    expect(reported).toHaveLength(1);
  });

  test("a moment in seconds is told from one in milliseconds", async () => {
    const { admit, reported } = bench({ authenticate: () => ({ id: "a", expiresAt: 1_700_000_000 }) });
    await admit();
    expect(String(reported)).toMatch(/milliseconds.*a JWT's exp is in seconds.*1700000000/);
  });

  test.each([-60_000, 0, 1])("a token that runs out in %i ms is refused once that has passed", async (ms) => {
    const clock = new FakeClock();
    const expiresAt = clock.now() + ms;
    const { admit, reported } = bench({ clock, authenticate: () => ({ id: "a", expiresAt }) });
    const answer = ms > 0 ? { ok: true, expiresAt } : { status: 401, code: "UNAUTHORIZED" };
    expect(await admit()).toMatchObject(answer);
    expect(reported).toEqual([]);
  });

  test("a token that never runs out may say so with null", async () => {
    const authenticate = () => ({ id: "ada", expiresAt: null });
    expect(await bench({ authenticate }).admit()).toMatchObject({ ok: true, expiresAt: null });
  });

  test("a user whose inbox would have too long a name is a fault of the application's", async () => {
    const inbox = contract({ inbox: { notice: event(z.string()) } });
    const admission = (id: string) => bench({ contract: inbox, authenticate: () => ({ id }) }).admit();
    expect(await admission("ü".repeat(21))).toMatchObject({ ok: true });
    for (const id of ["ü".repeat(22), "x".repeat(129), "\ud800"])
      expect(await admission(id)).toMatchObject({ status: 500, code: "INTERNAL" });
  });

  test.each([
    ["x".repeat(256), true],
    ["x".repeat(257), false],
    ["字".repeat(85), true],
    ["字".repeat(86), false],
    ["😀".repeat(64), true],
    ["😀".repeat(65), false],
    ["\ud800", false],
    ["", false],
  ])("a user id has 1 to 256 bytes in UTF-8, and is sound text: %s", async (id, ok) => {
    expect(await answer(() => ({ id }))).toMatchObject(ok ? { ok } : { status: 500, code: "INTERNAL" });
  });
});

describe("the token", () => {
  const encoded = (text: string) => `bowline.token.${Buffer.from(text).toString("base64url")}`;

  test.each([
    ["a Bearer header", { authorization: "Bearer abc.def" }, "abc.def"],
    ["a Bearer header in other letters", { authorization: "bearer   abc" }, "abc"],
    [
      "a subprotocol entry",
      { "sec-websocket-protocol": `bowline.v1.json, ${encoded("tökén 🪢")}` },
      "tökén 🪢",
    ],
    ["no header", {}, undefined],
    ["a header of another scheme", { authorization: "Basic abc" }, undefined],
    [
      "an entry that is no base 64",
      { "sec-websocket-protocol": "bowline.v1.json, bowline.token.%%%" },
      undefined,
    ],
    [
      "an entry that is no UTF-8",
      { "sec-websocket-protocol": "bowline.v1.json, bowline.token._w" },
      undefined,
    ],
  ])("comes from %s", async (_where, headers, token) => {
    expect((await seen(headers as Headers)).token).toBe(token);
  });
});

describe("cookies", () => {
  test.each([
    ["a=1; b=2", { a: "1", b: "2" }],
    ["a=1;b=2;", { a: "1", b: "2" }],
    ["a=first; a=second", { a: "first" }],
    ['a="quoted"; b="', { a: "quoted", b: '"' }],
    ["a=%C3%BC; b=100%", { a: "ü", b: "100%" }],
    ["a=x=y==", { a: "x=y==" }],
    ["nothing; =empty; c=", { c: "" }],
    ["__proto__=x; constructor=y", { ["__proto__"]: "x", constructor: "y" }],
  ])("%j are taken apart", async (cookie, expected) => {
    expect([...(await seen({ cookie })).cookies]).toEqual(Object.entries(expected));
  });

  test("are none where there is no header", async () => {
    expect((await seen({})).cookies.size).toBe(0);
  });
});

describe("a page's origin", () => {
  const evil = { origin: "https://evil.example", host: "app.example" };

  test("is asked of browsers only: others send none", async () => {
    expect(await bench({ origins: originRule([]) }).admit({ host: "app.example" })).toMatchObject({
      ok: true,
    });
  });

  test("that may not connect is refused with 403 before anybody is asked who it is, and told what it is", async () => {
    let asked = 0;
    const { admit } = bench({ authenticate: () => ({ id: String((asked += 1)) }) });
    expect(await admit(evil)).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: 'origin "https://evil.example" is not allowed: add it to the server\'s option "origins"',
    });
    expect(asked).toBe(0);
  });

  test("is told back in part where it is long", async () => {
    const { admit } = bench();
    const { message } = (await admit({ ...evil, origin: `https://${"x".repeat(10_000)}` })) as Refused;
    expect(message.length).toBeLessThan(400);
  });

  test("that the application's rule fails on is a fault of the server, which ends no client", async () => {
    const failure = new Error("no such tenant");
    const { admit, reported } = bench({
      origins: () => {
        throw failure;
      },
    });
    expect(await admit(evil)).toMatchObject({ status: 500, code: "INTERNAL" });
    expect(reported).toEqual([["authenticate", failure]]);
  });
});

describe("places", () => {
  test("are given to the last one there is room for, and to nobody after", async () => {
    const { keeper, admit } = bench({ connectionsMax: 2 });
    await admit();
    expect(await admit()).toMatchObject({ ok: true });
    expect(await admit()).toMatchObject({
      ok: false,
      status: 503,
      code: "TOO_MANY_CONNECTIONS",
      retryAfterSeconds: 5,
    });
    keeper.giveUp();
    expect(await admit()).toMatchObject({ ok: true });
  });

  test("are taken while it is decided: any number may ask at the same time", async () => {
    const authenticate = async () => ({ id: "ada" });
    const { admit } = bench({ connectionsMax: 2, authenticate });
    const answers = await Promise.all([admit(), admit(), admit(), admit()]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, false, false]);
  });

  test("are given back by whoever is refused", async () => {
    const { keeper, admit } = bench({ authenticate: () => null });
    await admit();
    expect(keeper.places).toBe(0);
  });

  test("are not taken by whoever only asks, but it is told when there are none", async () => {
    const { keeper, admit, ask } = bench({ connectionsMax: 1 });
    expect(await ask({ "sec-websocket-protocol": undefined })).toMatchObject({ ok: true });
    expect(keeper.places).toBe(0);
    await admit();
    expect(await ask()).toMatchObject({ status: 503 });
  });

  test("are waited for until the last one is given back", async () => {
    const { keeper, admit } = bench();
    await admit();
    const emptied = keeper.empty();
    keeper.giveUp();
    await expect(emptied).resolves.toBeUndefined();
  });

  test("are given back where it is never told who somebody is", async () => {
    const { clock, keeper, admit } = bench({ authenticate: () => new Promise(() => {}) });
    const admission = admit();
    await clock.advance(5000);
    expect(await admission).toMatchObject({ ok: false, status: 503, code: "UNAVAILABLE" });
    expect(keeper.places).toBe(0);
  });
});
