import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo } from "node:net";
import { BowlineError, contract } from "bowline";
import { createClient, type ClientOptions, type Status } from "bowline/client";
import { attach, serve } from "bowline/node";
import { createServer, type ServerOptions } from "bowline/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

const origin = "http://localhost:3481";

async function start(options: ServerOptions = {}) {
  const server = createServer(contract({}), { logger: false, ...options });
  onTestFinished(() => server.close());
  const { port } = await serve(server, { port: 0, signals: false });
  return { server, port };
}

/** What is asked of a server with which options, and what is answered: status, code, and a part of the text. */
type Question = [
  what: string,
  options: ServerOptions,
  path: string,
  status: number,
  code: string,
  text: string,
];

function refuse(): null {
  throw new BowlineError("UNAVAILABLE", "the user store is away");
}

/** What a page of `origin` is told. */
async function ask(port: number, path = "/bowline", headers: Record<string, string> = { origin }) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

function expectReadable(headers: Headers): void {
  expect(Object.fromEntries(headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
  });
}

describe("a page can read", () => {
  test.each<Question>([
    [
      "that its origin is not allowed, and what to do",
      {},
      "/bowline",
      403,
      "FORBIDDEN",
      `origin "${origin}" is not allowed: add it to the server's option "origins"`,
    ],
    [
      "which path it asked for, and which is served",
      {},
      "/bowlin?x=1",
      404,
      "NOT_FOUND",
      'nothing listens on "/bowlin": clients connect to "/bowline"',
    ],
    [
      "that its token is not accepted",
      { origins: "any", authenticate: () => null },
      "/bowline",
      401,
      "UNAUTHORIZED",
      'see the client\'s option "token"',
    ],
    [
      "that the server can't decide now",
      {
        origins: "any",
        authenticate: refuse,
      },
      "/bowline",
      503,
      "UNAVAILABLE",
      "the user store is away",
    ],
    [
      "that the server would let it in",
      { origins: "any" },
      "/bowline",
      426,
      "UPGRADE_REQUIRED",
      "a proxy must pass the headers Upgrade and Connection",
    ],
  ])("%s", async (_what, options, path, status, code, text) => {
    const { port } = await start(options);
    const answer = await ask(port, path);
    expect(answer).toMatchObject({
      status,
      body: { code, message: expect.stringContaining(text) as string },
    });
    expectReadable(answer.headers);
    const preflight = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "OPTIONS",
      headers: { origin },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
      204,
      "authorization",
    ]);
    for (const { headers } of [answer, preflight]) expect(headers.get("cache-control")).toBe("no-store");
    expectReadable(preflight.headers);
  });
});

test.each([
  ["HEAD", 401, null],
  ["POST", 405, "GET, HEAD, OPTIONS"],
  ["PUT", 405, "GET, HEAD, OPTIONS"],
  ["DELETE", 405, "GET, HEAD, OPTIONS"],
])(
  "%s is answered with %i, and asks the application only for what a GET would",
  async (method, status, allow) => {
    let asked = 0;
    const { port } = await start({ origins: "any", authenticate: () => ((asked += 1), null) });
    const response = await fetch(`http://127.0.0.1:${port}/bowline?x=1`, { method, headers: { origin } });
    expect([response.status, response.headers.get("allow"), asked]).toEqual([
      status,
      allow,
      status === 401 ? 1 : 0,
    ]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expectReadable(response.headers);
    const body = await response.text();
    expect(body === "" ? null : (JSON.parse(body) as unknown)).toEqual(
      status === 401
        ? null
        : { code: "UPGRADE_REQUIRED", message: "ask with GET, and connect with WebSocket" },
    );
  },
);

test("a path that nobody answers for names all that are served; one that somebody does is theirs", async () => {
  const http = createHttpServer();
  for (const path of ["/one", "/two"])
    await attach(createServer(contract({}), { logger: false, path }), http);
  await once(http.listen(0), "listening");
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  expect(await ask(port, `/${"x".repeat(1000)}`)).toMatchObject({
    status: 404,
    body: {
      message: expect.stringMatching(
        /^nothing listens on "\/x{299}": clients connect to "\/one" or "\/two"$/,
      ) as string,
    },
  });
  http.on("request", (_request, response) => response.end('"theirs"'));
  expect(await ask(port, "/elsewhere")).toMatchObject({ status: 200, body: "theirs" });
});

describe("a client that gets the answer to its upgrade", () => {
  /** Its status when it has given up, or waits. */
  async function refused(port: number, options: Partial<ClientOptions> = {}): Promise<Status> {
    const url = `ws://127.0.0.1:${port}/bowline`;
    const client = createClient(contract({}), { url, WebSocket, log: false, ...options });
    onTestFinished(() => client.close());
    return new Promise((resolve) => {
      client.onStatus((status) => {
        if (status.state === "waiting" || status.state === "closed") resolve(status);
      });
    });
  }

  test("asks no second time: the application judges each attempt once", async () => {
    const judged: (string | undefined)[] = [];
    const { port } = await start({
      authenticate: ({ token }) => {
        judged.push(token);
        return null;
      },
    });
    const tickets = ["first", "second", "third"];
    const status = await refused(port, { token: () => tickets.shift() ?? null });
    expect(status).toMatchObject({ state: "closed", error: { code: "UNAUTHORIZED" } });
    expect(judged).toEqual(["first", "second"]);
  });

  test("has the server's words, and the time it is told to wait", async () => {
    const { port } = await start({ limits: { connections: 1 } });
    const url = `ws://127.0.0.1:${port}/bowline`;
    const first = createClient(contract({}), { url, WebSocket });
    onTestFinished(() => first.close());
    await new Promise<void>((resolve) => first.onStatus(({ state }) => state === "open" && resolve()));
    const status = await refused(port, { random: { float: () => 0, id: () => "x".repeat(24) } });
    expect(status).toMatchObject({
      state: "waiting",
      reason: expect.stringContaining("limits.connections") as string,
    });
    if (status.state === "waiting") expect(status.retryAt - Date.now()).toBeGreaterThan(4000);
  });

  test("names the path that it should have asked for", async () => {
    const { port } = await start();
    expect(await refused(port, { url: `ws://127.0.0.1:${port}/bowlin` })).toMatchObject({
      reason: 'nothing listens on "/bowlin": clients connect to "/bowline"',
    });
  });

  test.each([401, 403, 404, 502])("says so where something else has answered %i", async (code) => {
    let asked = 0;
    const http = createHttpServer((_request, response) => {
      asked += 1;
      response.writeHead(code).end("<html>no</html>");
    });
    await once(http.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    const status = await refused(port);
    const text =
      status.state === "closed" ? status.error?.message : status.state === "waiting" && status.reason;
    expect([status.state, text]).toEqual([
      code < 404 ? "closed" : "waiting",
      expect.stringContaining(`the server answered ${code}`),
    ]);
    expect(asked).toBe(1);
  });

  test("names what kept it from getting one", async () => {
    const closed = createHttpServer();
    await once(closed.listen(0, "127.0.0.1"), "listening");
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await refused(port)).toMatchObject({
      reason: `the server can't be reached: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect(await refused(0, { url: "ws://nobody.invalid/bowline" })).toMatchObject({
      reason: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) as string,
    });
    const { port: plain } = await start();
    expect(await refused(0, { url: `wss://127.0.0.1:${plain}/bowline` })).toMatchObject({
      reason: expect.stringMatching(/^[^\n]*wrong version number[^\n]*$/) as string,
    });
  });
});
