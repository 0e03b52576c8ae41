import type { Limits } from "../server/limits.ts";
import type { Keeping } from "./device-storage.ts";
import type { FaultName, FaultWeights } from "./faults.ts";
import type { FloodKind } from "./flooder.ts";
import { SeededRandom } from "./seeded-random.ts";

/** What a device of a swarm can do. */
export type ActionName =
  | "publish"
  | "burst"
  | "signal"
  | "once"
  | "again"
  | "join"
  | "leave"
  | "presence"
  | "invalid"
  | "foreign"
  | "server";

/** Strangers in a world, besides its devices. */
export interface IntruderKnobs {
  /** Somebody who wants the sessions of others, with their public ids or with their secrets. */
  readonly thief: "ids" | "secrets" | null;
  /** Somebody who sends without end. */
  readonly flood: FloodKind | null;
}

/** How the users of a world's devices are. */
export interface AccountKnobs {
  /** How long a token is good for; null: for ever. */
  readonly lifeMs: number | null;
  /** Share of tokens that are the one before, come late, or do not come. */
  readonly faults: number;
  /** Whether devices change hands, and whether their clients are told who has them. */
  readonly changes: "told" | "untold" | null;
}

/** Everything a swarm's seed decides about its world before it begins. */
export interface SwarmKnobs {
  readonly nodes: number;
  readonly broker: "memory" | "shared";
  /** How each device keeps its outbox. */
  readonly devices: readonly Keeping[];
  /** Whether one more device comes with a token that is refused. */
  readonly stranger: boolean;
  readonly rooms: number;
  readonly activeMs: number;
  readonly latencyMs: readonly [number, number];
  readonly brokerLatencyMs: readonly [number, number];
  readonly brokerRepeats: number;
  readonly tornShare: number;
  readonly heartbeatMs: number;
  readonly presenceGraceMs: number;
  readonly historyCount: number;
  readonly sessionTtlMs: number;
  readonly limits: Partial<Limits>;
  readonly outboxCount: number;
  /** The longest payload. */
  readonly fillMax: number;
  /** The most ballast of a presence state. */
  readonly stateFillMax: number;
  /** Whether each device begins by joining all the open rooms, and being present there. */
  readonly joinsAll: boolean;
  /** The longest a handler takes; 0: all answer at once. */
  readonly handlerMs: number;
  /** Share of publishes that a handler refuses, differently each time. */
  readonly refusals: number;
  readonly actionMeanMs: number;
  readonly actions: Readonly<Record<ActionName, number>>;
  readonly faults: FaultWeights;
  readonly intruders: IntruderKnobs;
  /** Null: each device has one user, and one token for ever. */
  readonly accounts: AccountKnobs | null;
  readonly faultMeanMs: number;
  readonly faultLastsMs: number;
}

const lineFaults: readonly FaultName[] = ["cut", "tear", "deaf", "hold", "stall", "slow", "offline"];
const deviceFaults: readonly FaultName[] = ["sleep", "reload", "notice", "wall-jump"];
const diskFaults: readonly FaultName[] = ["disk-fail", "disk-hang"];
const nodeFaults: readonly FaultName[] = ["crash", "drain", "node-sleep"];
const brokerFaults: readonly FaultName[] = ["broker-down", "broker-deaf", "wipe"];
const actionNames: readonly ActionName[] = [
  "publish",
  "burst",
  "signal",
  "once",
  "again",
  "join",
  "leave",
  "presence",
  "invalid",
  "foreign",
  "server",
];

/**
 * Draws a world from a seed. Each kind of harm is left out of about half of the worlds: a fault that always comes hides
 * those that only show where it does not.
 */
export function drawKnobs(seed: number): SwarmKnobs {
  const random = new SeededRandom(seed).fork("knobs");
  const nodes = random.chance(0.5) ? 2 : 1;
  const broker = nodes > 1 || random.chance(0.3) ? "shared" : "memory";
  const keeping = (): Keeping => random.pick(["none", "sync", "async"] as const);
  const slowBytes = Math.round(random.scale(1000, 65_536));
  const latency = random.scale(1, 150);
  const brokerLatency = random.scale(0.5, 100);
  const knobs: SwarmKnobs = {
    nodes,
    broker,
    devices: Array.from({ length: random.int(2, 5) }, keeping),
    stranger: random.chance(0.15),
    rooms: random.int(1, 3),
    activeMs: random.int(5000, 60_000),
    latencyMs: [latency / random.between(1, 10), latency],
    brokerLatencyMs: [brokerLatency / random.between(1, 10), brokerLatency],
    brokerRepeats: random.chance(0.5) ? 0 : random.between(0, 0.3),
    tornShare: random.chance(0.6) ? 0 : random.between(0.05, 0.5),
    heartbeatMs: random.int(1500, 8000),
    presenceGraceMs: random.int(500, 8000),
    historyCount: random.chance(0.6) ? 5000 : random.int(3, 60),
    sessionTtlMs: random.chance(0.8) ? 3_600_000 : random.int(25_000, 45_000),
    limits: drawLimits(random, slowBytes),
    outboxCount: random.chance(0.8) ? 1000 : random.int(5, 50),
    fillMax: Math.round(random.scale(1, 3000)),
    stateFillMax: 0,
    joinsAll: false,
    handlerMs: random.chance(0.5) ? 0 : random.scale(1, 500),
    refusals: random.chance(0.6) ? 0 : random.between(0.01, 0.3),
    actionMeanMs: random.scale(100, 3000),
    actions: drawActions(random),
    faults: drawFaults(random, broker),
    intruders: { thief: null, flood: null },
    accounts: null,
    faultMeanMs: random.scale(300, 20_000),
    faultLastsMs: random.scale(200, 15_000),
  };
  const drawn = random.chance(0.1) ? flooded(knobs, random) : knobs;
  const crowd = crowded(withIntruders(drawn, random.fork("intruders")), random.fork("crowd"));
  return withAccounts(crowd, random.fork("accounts"));
}

/** A world of much traffic and slow readers, whose sockets are small. */
function flooded(knobs: SwarmKnobs, random: SeededRandom): SwarmKnobs {
  const slowBytes = random.int(1000, 8000);
  return {
    ...knobs,
    activeMs: random.int(5000, 20_000),
    rooms: 1,
    limits: { ...knobs.limits, slowBytes, outboxBytes: 2 * slowBytes },
    fillMax: random.int(300, 3000),
    actionMeanMs: random.scale(50, 300),
    actions: { ...knobs.actions, publish: 8, join: 1, leave: 0.1 },
    faults: { ...knobs.faults, stall: 2, slow: 4 },
    faultMeanMs: random.int(500, 2000),
    faultLastsMs: random.int(3000, 10_000),
  };
}

/** Some worlds have large presence states, and lists at their bounds; some have many members. */
function crowded(knobs: SwarmKnobs, random: SeededRandom): SwarmKnobs {
  if (random.chance(0.8)) return knobs;
  const isMany = random.chance(0.25);
  const devices = isMany ? Array.from({ length: random.int(12, 24) }, () => "none" as const) : knobs.devices;
  const stateFillMax = random.chance(0.5) ? 4000 : random.int(10, 400);
  const limits: Partial<Limits> = {
    ...(random.chance(0.6) && {
      presenceBytes: Math.round(devices.length * stateFillMax * random.between(0.2, 1.2)),
    }),
    ...(random.chance(0.5) && { presenceMembers: random.int(2, devices.length) }),
  };
  return {
    ...knobs,
    devices,
    stateFillMax,
    joinsAll: true,
    limits: { ...knobs.limits, ...limits },
    actions: { ...knobs.actions, presence: 2, ...(isMany && { burst: 0 }) },
    ...(isMany && { activeMs: random.int(3000, 10_000), actionMeanMs: random.int(1500, 4000) }),
  };
}

/** Tokens that run out, and devices that change hands. */
function withAccounts(knobs: SwarmKnobs, random: SeededRandom): SwarmKnobs {
  if (random.chance(0.8)) return knobs;
  const lifeMs = random.chance(0.7) ? random.int(6000, 30_000) : null;
  const faults = random.chance(0.5) ? random.between(0.05, 0.5) : 0;
  const changes = random.pick(["told", "untold", null] as const);
  // A node whose clock is an hour ahead takes no token that anybody has.
  return { ...knobs, accounts: { lifeMs, faults, changes }, faults: { ...knobs.faults, "wall-jump": 0 } };
}

/** Faults after which a broker does not know a session any more, and makes it for anybody who has the secret. */
const forgetting: readonly FaultName[] = ["wipe", "lose-part", "lose-end", "power-cut", "restart-all"];

function withIntruders(knobs: SwarmKnobs, random: SeededRandom): SwarmKnobs {
  const { broker, faults, sessionTtlMs } = knobs;
  const forgets =
    broker === "memory" || sessionTtlMs < 3_600_000 || forgetting.some((name) => (faults[name] ?? 0) > 0);
  const thief = random.pick(forgets ? (["ids"] as const) : (["ids", "secrets"] as const));
  const flood = random.pick(["control", "fragments", "messages"] as const);
  return {
    ...knobs,
    intruders: { thief: random.chance(0.15) ? thief : null, flood: random.chance(0.06) ? flood : null },
  };
}

function drawLimits(random: SeededRandom, slowBytes: number): Partial<Limits> {
  return {
    slowBytes,
    outboxBytes: slowBytes * random.int(2, 16),
    pending: random.chance(0.6) ? 256 : random.int(1, 20),
    handshakeMs: random.int(3000, 10_000),
    ...(random.chance(0.2) && { framesPerSecond: random.int(20, 100), framesBurst: random.int(20, 100) }),
  };
}

function drawActions(random: SeededRandom): Record<ActionName, number> {
  const weight = (name: ActionName): number =>
    name === "publish" ? 4 : random.chance(0.4) ? 0 : random.scale(0.1, 2);
  return Object.fromEntries(actionNames.map((name) => [name, weight(name)])) as Record<ActionName, number>;
}

function drawFaults(random: SeededRandom, broker: "memory" | "shared"): FaultWeights {
  const weights: Partial<Record<FaultName, number>> = {};
  const draw = (names: readonly FaultName[], share: number): void => {
    const isOut = random.chance(0.3);
    for (const name of names) weights[name] = isOut || random.chance(0.5) ? 0 : share * random.scale(0.2, 2);
  };
  draw(lineFaults, 1);
  draw(deviceFaults, 0.6);
  draw(nodeFaults, 0.4);
  draw(brokerFaults, broker === "shared" ? 0.4 : 0);
  draw(diskFaults, 0.3);
  // A broker that loses everything is rare: where it does so often, little else gets to happen.
  weights.wipe = random.chance(0.15) ? 0.1 * (weights.wipe ?? 0) : 0;
  // From chance of its own, so that all else about a seed stays as it is without.
  const parts = random.fork("parts");
  weights["lose-part"] = broker === "shared" && parts.chance(0.25) ? parts.scale(0.05, 0.3) : 0;
  const ends = random.fork("ends");
  for (const name of ["lose-end", "power-cut", "restart-all"] as const)
    weights[name] = broker === "shared" && ends.chance(0.15) ? ends.scale(0.05, 0.3) : 0;
  return weights;
}
