import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nats } from "bowline/nats";
import type { JetStreamManager, PurgeOpts } from "@nats-io/jetstream";
import { DamageBench } from "../support/damage-bench.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";
import { until } from "../support/redis-node.ts";

type Streams = JetStreamManager["streams"];

interface Part {
  readonly stream: string;
  /** Takes it out of the stream of this name. */
  readonly take: (streams: Streams, name: string) => Promise<unknown>;
  /** Whether anybody has to be told. */
  readonly tells?: boolean;
}

const all = (streams: Streams, name: string): Promise<unknown> => streams.delete(name);
const purge =
  (what?: PurgeOpts) =>
  (streams: Streams, name: string): Promise<unknown> =>
    streams.purge(name, what);
const room = "bowline.log.*.log/a";

/** Deletes the message that is so many before the newest. */
const entry = (before: number) => async (streams: Streams, name: string) => {
  const { state } = await streams.info(name);
  await streams.deleteMessage(name, state.last_seq - before);
};

const parts: Record<string, Part> = {
  "the stream of logs": { stream: "log", take: all, tells: true },
  "all entries": { stream: "log", take: purge(), tells: true },
  "a room": { stream: "log", take: purge({ filter: room }), tells: true },
  "an entry": { stream: "log", take: entry(5) },
  "the newest entry": { stream: "log", take: entry(0) },
  "the stream of sessions": { stream: "session", take: all },
  "all sessions": { stream: "session", take: purge() },
  "the stream of ledgers": { stream: "ledger", take: all, tells: true },
  "all ledgers": { stream: "ledger", take: purge() },
  answers: { stream: "ledger", take: purge({ filter: "bowline.ledger.*.answer.*.*" }) },
  "the stream of members": { stream: "presence", take: all },
  "all members": { stream: "presence", take: purge() },
  "the members of a room": { stream: "presence", take: purge({ filter: "bowline.presence.*.log/a.*" }) },
  "the stream of leases": { stream: "lease", take: all },
  "all leases": { stream: "lease", take: purge() },
  "the beginning of a room": { stream: "log", take: purge({ filter: room, keep: 1 }) },
};

describe.skipIf(!natsPath)("NATS loses", () => {
  let server: NatsServer;
  let bench: DamageBench;

  beforeAll(async () => {
    server = await NatsServer.start();
    bench = await DamageBench.start(() => nats({ servers: server.url, leaseMs: 900, sessionTtlMs: 4000 }));
  }, 30_000);

  afterAll(async () => {
    await bench?.stop();
    await server?.stop();
  });

  /** Once the stream is there: what was deleted before may not be made again yet. */
  function harm({ stream, take }: Part): Promise<void> {
    return until(() =>
      server.withStream(`bowline_${stream}`, async (streams, name) => {
        await take(streams, name);
        return true;
      }),
    );
  }

  test.each(Object.entries(parts))("%s", async (_, part) => {
    const { gaps, uncertain, dials, unseen } = await bench.survive(() => harm(part));
    expect(bench.faults).toEqual([]);
    // An outage sends those away who come back meanwhile, after 50 ms, 100, 200 …
    expect(dials).toBeLessThanOrEqual(15);
    if (part.tells) expect(gaps.length + uncertain).toBeGreaterThan(0);
    if (gaps.length === 0) expect(unseen).toEqual([]);
  });
});
