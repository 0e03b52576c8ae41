import * as z from "zod";
import { describe, expect, test, vi } from "vitest";
import { contract, event, room, signal } from "../../src/contract/contract.ts";
import type { ClientOptions } from "../../src/client/client-types.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Pair } from "../support/pair.ts";

const chat = contract({
  rooms: {
    "chat/:room": room({
      events: { message: event(z.any()), typing: signal(z.object({ active: z.boolean() })) },
      presence: z.object({ name: z.string() }),
    }),
  },
});
const unreachable = `the server can't be reached: is it running, and the option "url" right?`;

/** A client that is heard by nobody but the console. */
async function bench(options: ServerOptions = {}, clientOptions: Partial<ClientOptions> = {}) {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const pair = new Pair(chat, options);
  const allowed = { yes: true };
  let signals = 0;
  const refuseSome = ({ payload }: { payload: { active: boolean } }): void => {
    if (payload.active) throw new BowlineError(`cause_${(signals += 1)}`, "no");
  };
  pair.server.room("chat/:room", { join: () => allowed.yes, on: { typing: refuseSome } });
  await pair.start();
  const url = "ws://ada:secret@test:81/bowline?ticket=secret";
  const make = () => pair.client({ url, log: true, ...clientOptions });
  const printed = (): string[] => warn.mock.calls.map(([text]) => String(text));
  return { pair, allowed, make, printed };
}

describe("where nobody listens, the console is told", () => {
  test("of a wait, once a cause until the connection works again, without what is secret in the URL", async () => {
    const { pair, make, printed } = await bench();
    pair.offline = true;
    const client = make();
    await pair.clock.advance(120_000);
    const line = `bowline: ws://test:81/bowline is waiting: ${unreachable}`;
    expect(printed()).toEqual([line]);
    pair.offline = false;
    await pair.clock.advance(60_000);
    expect(client.status.state).toBe("open");
    pair.offline = true;
    pair.lastLink.cut();
    await pair.clock.advance(120_000);
    const lost = "bowline: ws://test:81/bowline is waiting: closed with 1006";
    expect(printed()).toEqual([line, lost, line]);
  });

  test("of a stop, and not of a close", async () => {
    const { pair, make, printed } = await bench({ authenticate: () => null });
    make();
    await pair.clock.settle();
    expect(printed()).toEqual([
      expect.stringMatching(/^bowline: ws:\/\/test:81\/bowline has stopped: UNAUTHORIZED: /),
    ]);
    make().close();
    expect(printed()).toHaveLength(1);
  });

  test("of a refused join, once until it is let in", async () => {
    const { pair, allowed, make, printed } = await bench();
    allowed.yes = false;
    const client = make();
    const lobby = client.join("chat/a");
    const again = async (): Promise<void> => {
      client.reconnect();
      await pair.clock.settle();
    };
    await pair.clock.settle();
    await again();
    const line = expect.stringMatching(/^bowline: join of chat\/a refused: FORBIDDEN: /) as string;
    expect(printed()).toEqual([line]);
    allowed.yes = true;
    await again();
    expect(lobby.status.state).toBe("joined");
    allowed.yes = false;
    await again();
    expect(printed()).toEqual([line, line]);
  });

  test("of a refused signal and presence state, once a cause", async () => {
    const { pair, make, printed } = await bench();
    const lobby = make().join("chat/a");
    lobby.onStatus(() => {});
    await pair.clock.settle();
    for (let count = 0; count < 3; count += 1) {
      lobby.publish("typing", { active: 1 as never });
      lobby.presence.set({ name: count as never });
      await pair.clock.settle();
    }
    expect(printed().toSorted()).toEqual([
      expect.stringMatching(/^bowline: presence of chat\/a refused: INVALID: /),
      expect.stringMatching(/^bowline: signal of chat\/a refused: INVALID: /),
    ]);
  });

  test("of a hundred causes at most", async () => {
    const { pair, make, printed } = await bench();
    const lobby = make().join("chat/a");
    await pair.clock.settle();
    for (let sent = 0; sent < 150; sent += 1) lobby.publish("typing", { active: true });
    await pair.clock.settle();
    expect(printed()).toHaveLength(100);
  });
});

describe("the console is told nothing", () => {
  test("where somebody listens", async () => {
    const { pair, allowed, make, printed } = await bench();
    allowed.yes = false;
    const client = make();
    client.onStatus(() => {});
    const waited = client.join("chat/a").joined();
    client.join("chat/b").onError(() => {});
    const refused = expect(waited).rejects.toMatchObject({ code: "FORBIDDEN" });
    await pair.clock.settle();
    await refused;
    pair.offline = true;
    pair.lastLink.cut();
    await pair.clock.advance(60_000);
    client.close();
    expect(printed()).toEqual([]);
  });

  test("where the option says so", async () => {
    const { pair, allowed, make, printed } = await bench({}, { log: false });
    allowed.yes = false;
    make().join("chat/a");
    await pair.clock.settle();
    pair.offline = true;
    pair.lastLink.cut();
    await pair.clock.advance(60_000);
    expect(printed()).toEqual([]);
  });
});
