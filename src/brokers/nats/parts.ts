import type { ClusterSettings, PresenceChange } from "../../server/broker.ts";
import { Answers } from "./answers.ts";
import { Leases } from "./leases.ts";
import { LedgerArchive } from "./ledger-archive.ts";
import { Link } from "./link.ts";
import { listed, type NatsSettings } from "./options.ts";
import { Presence } from "./presence.ts";
import { envelopeBytes, type RoomLogContext } from "./room-log.ts";
import { Sessions } from "./sessions.ts";
import { Store } from "./store.ts";
import type { StoreSpec } from "./stream-config.ts";
import { leave, vouch, type Vouched } from "./vouching.ts";

/** What a started broker is made of. */
export interface Parts {
  readonly link: Link;
  readonly logContext: RoomLogContext;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly leases: Leases;
  /** The last that this node writes. */
  leave(): Promise<void>;
}

/** What the parts are told by the broker, and tell it. */
export interface PartsEvents {
  /** What this node was started with, for others to find. */
  readonly settings: ClusterSettings;
  /** Subscribes to what is needed from the start; rejects when that is refused. */
  listen(link: Link): Promise<void>;
  receivePresence(room: string, change: PresenceChange): void;
  receiveOutage(reason: Error | null): void;
}

/**
 * How many times as long as a session its ledgers are kept. What was carried out is asked for again by a client that was
 * away, so no later than one such time after it; renewing a session need not store all of its ledgers again.
 */
const ledgerTtls = 4;
/** Left of a message for its headers. */
const headerBytes = 16 * 1024;

/** Connects, makes the streams that are missing, and takes a lease for the node. */
export async function openParts(settings: NatsSettings, node: string, events: PartsEvents): Promise<Parts> {
  const link = await Link.open(settings, node);
  try {
    checkVersion(link.connection.info?.version ?? "", settings);
    if (link.payloadBytesMax <= envelopeBytes)
      throw new Error(
        `max_payload of the server is ${link.payloadBytesMax}, and has to be above ${envelopeBytes}`,
      );
    return await build(link, settings, node, events);
  } catch (error) {
    await link.close();
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(
      `nats: servers ${listed(settings.servers)} don't give the streams "${settings.prefix}_…" (${text}). ` +
        "Look at replicas and storage, and at what this account may use",
      { cause: error },
    );
  }
}

/** Before, servers that keep copies took two messages at a time that were each to be the next. */
const copiesSince = [2, 10, 20] as const;

function checkVersion(version: string, { replicas }: NatsSettings): void {
  const parts = version.split(/[.-]/).map(Number);
  const differing = copiesSince.findIndex((part, at) => parts[at] !== part);
  const isOlder = differing >= 0 && (parts[differing] ?? 0) < (copiesSince[differing] as number);
  if (replicas > 1 && isOlder)
    throw new Error(
      `replicas is ${replicas}, which takes nats-server ${copiesSince.join(".")}, not ${version}`,
    );
}

async function build(link: Link, settings: NatsSettings, node: string, events: PartsEvents): Promise<Parts> {
  const { sessionTtlMs, leaseMs, logTtlMs } = settings;
  const specs = specsOf(settings);
  const logs = new Store(link, specs.logs);
  const records = new Store(link, specs.sessions);
  const ledgers = new Store(link, specs.ledgers);
  const places = new Store(link, specs.presence);
  const leaseStore = new Store(link, specs.leases);
  const stores = [logs, records, ledgers, places, leaseStore];
  const restore = async (): Promise<void> => void (await Promise.all(stores.map((store) => store.open())));
  await restore();
  const vouched: Vouched = { stores: [logs, records, ledgers], leases: leaseStore };
  await vouch(vouched);
  await Promise.all(stores.map((store) => store.configure()));
  await events.listen(link);

  const leases = new Leases({ store: leaseStore, link, node, leaseMs, settings: events.settings });
  const answers = new Answers(ledgers, () => link.payloadBytesMax - headerBytes);
  const home = (): string => `${logs.incarnation} ${ledgers.incarnation}`;
  const sessions = new Sessions(records, sessionTtlMs, answers, home);
  const presence = new Presence({
    store: places,
    node,
    holdLease: () => leases.hold(),
    receivePresence: (room, change) => events.receivePresence(room, change),
  });
  await leases.hold();
  const ids = (): string => stores.map(({ incarnation }) => incarnation).join(" ");
  leases.begin(presence, async () => {
    sessions.sweep();
    const before = ids();
    await link.call(restore);
    // Another node may have noticed the loss, and made it anew: what is read from the old one is nothing, not an error.
    if (ids() !== before) link.lose("a stream was lost, and is made anew");
  });

  let placesBefore = places.incarnation;
  link.watch({
    restore,
    receiveOutage: (reason) => {
      if (!reason) {
        leases.receiveReturn(places.incarnation === placesBefore);
        placesBefore = places.incarnation;
      }
      events.receiveOutage(reason);
    },
  });
  const archive = new LedgerArchive(ledgers, sessionTtlMs);
  const payloadBytesMax = (): number => link.payloadBytesMax;
  const logContext = { store: logs, sessions, archive, logTtlMs, payloadBytesMax };
  return { link, logContext, sessions, presence, leases, leave: () => leave(vouched, leases) };
}

type Kind = "logs" | "sessions" | "ledgers" | "presence" | "leases";

/** The streams: the table in index.ts says the same to people. */
function specsOf(settings: NatsSettings): Record<Kind, StoreSpec> {
  const { prefix, replicas, storage, logTtlMs, sessionTtlMs, leaseMs } = settings;
  const basic = { prefix, replicas, storage };
  const live = `${prefix}.live.$1`;
  return {
    logs: {
      ...basic,
      kind: "log",
      keyTokens: 1,
      ttlMs: logTtlMs,
      newestOnly: false,
      republish: `${live}.log`,
    },
    sessions: { ...basic, kind: "session", keyTokens: 1, ttlMs: sessionTtlMs, newestOnly: true },
    ledgers: { ...basic, kind: "ledger", keyTokens: 3, ttlMs: ledgerTtls * sessionTtlMs, newestOnly: true },
    presence: {
      ...basic,
      kind: "presence",
      keyTokens: 2,
      ttlMs: 0,
      newestOnly: true,
      republish: `${live}.presence.$2`,
    },
    leases: { ...basic, kind: "lease", keyTokens: 1, storage: "memory", ttlMs: leaseMs, newestOnly: true },
  };
}
