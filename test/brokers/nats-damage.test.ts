import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nats } from "bowline/nats";
import { DamageBench } from "../support/damage-bench.ts";
import { NatsServer, natsPath } from "../support/nats-server.ts";
import { until } from "../support/redis-node.ts";

interface Part {
  /** Its stream, with what is taken out of it: one subject, everything, or the stream itself. */
  readonly stream: string;
  readonly subject?: string;
  readonly how: "delete" | "purge";
  /** Whether anybody has to be told. */
  readonly tells?: boolean;
}

const parts: Record<string, Part> = {
  "the stream of logs": { stream: "log", how: "delete", tells: true },
  "all entries": { stream: "log", how: "purge", tells: true },
  "a room": { stream: "log", how: "purge", subject: "bowline.log.*.log/a", tells: true },
  "the stream of sessions": { stream: "session", how: "delete" },
  "all sessions": { stream: "session", how: "purge" },
  "the stream of ledgers": { stream: "ledger", how: "delete", tells: true },
  "all ledgers": { stream: "ledger", how: "purge" },
  answers: { stream: "ledger", how: "purge", subject: "bowline.ledger.*.answer.*.*" },
  "the stream of members": { stream: "presence", how: "delete" },
  "all members": { stream: "presence", how: "purge" },
  "the stream of leases": { stream: "lease", how: "delete" },
  "all leases": { stream: "lease", how: "purge" },
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
  function harm({ stream, how, subject }: Part): Promise<void> {
    const what = subject === undefined ? undefined : { filter: subject };
    return until(() =>
      server.withStream(`bowline_${stream}`, async (streams, name) => {
        await (how === "delete" ? streams.delete(name) : streams.purge(name, what));
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
