import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer, type Limits } from "bowline/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { RawClient, clientFrame, frames, upgradeText } from "./raw-client.ts";

async function start(limits: Partial<Limits> = {}, onAsked = () => {}): Promise<number> {
  const authenticate = (): { id: string } => {
    onAsked();
    return { id: "anybody" };
  };
  const server = createServer(contract({}), { logger: false, limits, authenticate });
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  onTestFinished(() => server.close());
  return port;
}

const thousand = (frame: Buffer): Buffer => Buffer.concat(Array.from({ length: 1000 }, () => frame));

test("a flood of any kind is over its rate, and ends with 4529", async () => {
  const floods: Readonly<Record<string, Buffer>> = {
    "empty pongs": thousand(frames.pong),
    pings: thousand(frames.ping),
    "JSON pings": thousand(frames.text('{"type":"ping"}')),
    "empty fragments": thousand(
      Buffer.concat([frames.begin(""), frames.middle(""), clientFrame(0x80, '{"type":"ping"}')]),
    ),
    "large messages": frames.text(JSON.stringify({ type: "ping", x: "x".repeat(60_000) })),
  };
  const port = await start({ throttledMs: 200 });
  // All at once: each socket is cut only when it has not answered the close frame in time.
  const ends = Object.entries(floods).map(async ([name, bytes]) => {
    const client = await RawClient.open(port);
    client.flood(bytes);
    return [name, await client.closed()];
  });
  expect(await Promise.all(ends)).toEqual(Object.keys(floods).map((name) => [name, 4529]));
});

describe("a message that does not end", () => {
  test("ends its connection with 4507, also when pings come in between", async () => {
    const client = await RawClient.open(await start({ messageMs: 500 }));
    client.socket.write(frames.begin("{"));
    const pinging = setInterval(() => client.socket.write(frames.ping), 50);
    onTestFinished(() => clearInterval(pinging));
    expect(await client.closed()).toBe(4507);
  });

  test("may come in 64 pieces, and ends its connection with 1008 at the next one", async () => {
    const client = await RawClient.open(await start());
    const spaces = Array.from({ length: 62 }, () => frames.middle(" "));
    const ping = [frames.begin('{"type":"ping"}'), ...spaces, clientFrame(0x80, " ")];
    client.socket.write(Buffer.concat(ping));
    const [answer] = (await once(client.socket, "data")) as [Buffer];
    expect(answer.toString()).toContain('{"type":"pong"}');
    client.socket.write(
      Buffer.concat([ping[0] as Buffer, ...spaces, frames.middle(" "), frames.middle(" ")]),
    );
    expect(await client.closed()).toBe(1008);
  });
});

describe("what is no WebSocket handshake is refused in JSON, before anybody is asked who it is:", () => {
  type Case = readonly [
    what: string,
    headers: Readonly<Record<string, string>>,
    status: number,
    text: string,
  ];

  const lists = ["bowline.v1.json,", "bowline.v1.json,,x", "bowline.v1.json, bowline.v1.json", "a b"];
  const cases: readonly Case[] = [
    ["another protocol", { Upgrade: "h2c" }, 400, 'Upgrade must be \\"websocket\\", not \\"h2c\\"'],
    ["no key", { "Sec-WebSocket-Key": "" }, 400, "Sec-WebSocket-Key must be 16 bytes"],
    ["a short key", { "Sec-WebSocket-Key": "x" }, 400, "Sec-WebSocket-Key must be 16 bytes"],
    ["no version", { "Sec-WebSocket-Version": "" }, 400, "Sec-WebSocket-Version must be 13"],
    ["another version", { "Sec-WebSocket-Version": "7" }, 400, "Sec-WebSocket-Version must be 13"],
    ["another method", { method: "POST" }, 405, "the method must be GET, not POST"],
    ...lists.map((protocol): Case => {
      const headers = { "Sec-WebSocket-Protocol": protocol };
      return [`the protocols "${protocol}"`, headers, 400, "Sec-WebSocket-Protocol must be a list"];
    }),
  ];

  test.each(cases)("%s", async (_what, { method = "GET", ...headers }, status, text) => {
    let asked = 0;
    const port = await start({}, () => (asked += 1));
    const socket = connectTcp(port, "127.0.0.1");
    socket.write(upgradeText(headers, `${method} /bowline HTTP/1.1`));
    let answer = "";
    socket.on("data", (bytes: Buffer) => (answer += bytes.toString()));
    await once(socket, "close");
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('\r\n\r\n{"code":"UPGRADE_REQUIRED","message":"');
    expect(answer).toContain(text);
    expect(asked).toBe(0);
  });
});
