import { once } from "node:events";
import { contract } from "bowline";
import { serve } from "bowline/node";
import { createServer } from "bowline/server";
import { expect, onTestFinished, test } from "vitest";
import { RawClient, clientFrame, frames } from "./raw-client.ts";

async function start(): Promise<number> {
  const server = createServer(contract({}), { logger: false });
  const { port } = await serve(server, { port: 0, host: "127.0.0.1", signals: false });
  onTestFinished(() => server.close());
  return port;
}

/** A frame of one text message, masked with zeros, whatever its bytes are. */
const text = (...bytes: readonly number[]): Buffer =>
  Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes]);
const unmasked = Buffer.from([0x81, 0x02, 0x7b, 0x7d]);

test.each<readonly [what: string, bytes: Buffer, code: number]>([
  ["a message that is not UTF-8", text(0x22, 0xff, 0x22), 1007],
  ["a message that is cut in a character", text(0x22, 0xe5, 0xad), 1007],
  ["a surrogate, encoded", text(0x22, 0xed, 0xa0, 0x80, 0x22), 1007],
  ["a frame of a kind that there is not", clientFrame(0x83, "x"), 1002],
  ["a frame with a bit for an extension", clientFrame(0xc1, "x"), 1002],
  ["a frame without a mask", unmasked, 1002],
  ["a fragment of no message", clientFrame(0x80, "x"), 1002],
  ["a fragmented ping", clientFrame(0x09, "x"), 1002],
  ["a binary message", clientFrame(0x82, "{}"), 4400],
  ["what is not JSON", frames.text("{"), 4400],
  ["JSON that is not an object", frames.text("[]"), 4400],
])("%s is closed with its code", async (_what, bytes, code) => {
  const client = await RawClient.open(await start());
  client.socket.write(bytes);
  expect(await client.closed()).toBe(code);
});

test("who sends far too much at once is told so, and not only cut off", async () => {
  const port = await start();
  for (const bytes of [70_000, 250_000]) {
    const client = await RawClient.open(port);
    const header = Buffer.alloc(14);
    header.writeUInt16BE(0x81ff);
    header.writeUInt32BE(bytes, 6);
    client.socket.write(Buffer.concat([header, Buffer.alloc(bytes, "x")]));
    expect(await client.closed()).toBe(1009);
    // Answered, the server closes without a reset.
    client.socket.end(clientFrame(0x88));
    const [hadError] = (await once(client.socket, "close")) as [boolean];
    expect(hadError).toBe(false);
  }
});
