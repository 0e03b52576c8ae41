/** What is done to a line, a server, or the service behind the servers. */
export type FaultKind =
  | "kill"
  | "freeze"
  | "roll"
  | "broker kill"
  | "broker freeze"
  | "broker cut"
  | "broker wipe"
  | "cut"
  | "half-open"
  | "half-open to server"
  | "half-open to client"
  | "stall"
  | "refuse";

/** One fault of a run. */
export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Which part of the lines it meets, from 0 to 1. */
  readonly share: number;
  /** How it ends: lines that were dead are cut, or work again with all that was held back. */
  readonly heals: boolean;
}

/** Seconds of a run for each kill of the server. */
const secondsPerKill = 15;
const pauseMsMax = 1600;

/** Line faults, how often they are drawn, and how long they last at most. */
const lineFaults: readonly { kind: FaultKind; weight: number; msMax: number }[] = [
  { kind: "cut", weight: 4, msMax: 0 },
  { kind: "half-open", weight: 2, msMax: 8000 },
  { kind: "half-open to server", weight: 2, msMax: 8000 },
  { kind: "half-open to client", weight: 2, msMax: 8000 },
  { kind: "stall", weight: 3, msMax: 10_000 },
  { kind: "refuse", weight: 2, msMax: 3000 },
];

/** What happens to the service and to the servers as a whole, and how long it lasts at most. */
const serviceFaults: readonly { kind: FaultKind; msMax: number }[] = [
  { kind: "broker kill", msMax: 1000 },
  { kind: "broker freeze", msMax: 10_000 },
  { kind: "broker cut", msMax: 6000 },
  { kind: "roll", msMax: 0 },
  { kind: "broker wipe", msMax: 500 },
];

/** Where the logs are: in the server's memory, in a file of its own, or with a service that several share. */
export type Keeper = "memory" | "file" | "service";

/** Draws the faults of a run, in the order of their times. The same seed gives the same plan. */
export function planFaults(seconds: number, seed: number, keeper: Keeper): Fault[] {
  const chance = seededChance(seed);
  const faults = [
    ...planKills(seconds, chance),
    ...planLineFaults(seconds, chance),
    ...(keeper === "service" ? planServiceFaults(seconds) : []),
    ...(keeper === "file" ? planFreezes(seconds, chance) : []),
  ];
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

/** Chance that repeats itself (mulberry32), in [0, 1). */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function planKills(seconds: number, chance: () => number): Fault[] {
  const count = Math.max(1, Math.floor(seconds / secondsPerKill));
  return Array.from({ length: count }, (_, index) => ({
    kind: "kill",
    atMs: ((index + 1) * seconds * 1000) / (count + 1),
    forMs: 200 + chance() * 1300,
    share: 1,
    heals: true,
  }));
}

/** The server stands still between its kills, for longer or shorter than its clients wait. */
function planFreezes(seconds: number, chance: () => number): Fault[] {
  const count = Math.max(1, Math.floor(seconds / secondsPerKill));
  const partMs = (seconds * 1000) / (count + 1);
  return Array.from({ length: count }, (_, index) => ({
    kind: "freeze",
    atMs: (index + 0.4) * partMs,
    forMs: Math.min(10_000, partMs) * (0.1 + 0.4 * chance()),
    share: 1,
    heals: true,
  }));
}

/** Faults of the service, one after the other; the one that loses all data comes last. */
function planServiceFaults(seconds: number): Fault[] {
  const partMs = (seconds * 1000) / (serviceFaults.length + 1);
  return serviceFaults.map(({ kind, msMax }, index) => ({
    kind,
    atMs: (index + 0.5) * partMs,
    forMs: Math.min(msMax, partMs),
    share: 1,
    heals: true,
  }));
}

function planLineFaults(seconds: number, chance: () => number): Fault[] {
  const faults: Fault[] = [];
  const endMs = seconds * 1000;
  for (let atMs = 500; atMs < endMs; atMs += 200 + chance() * (pauseMsMax - 200)) {
    const { kind, msMax } = draw(chance);
    const wantedMs = msMax * (0.1 + 0.9 * chance());
    // Short runs have short faults, and every fault ends within the run.
    const forMs = Math.min(wantedMs, endMs * 0.4, endMs - atMs);
    const heals = kind === "stall" || chance() < 0.5;
    faults.push({ kind, atMs, forMs, share: 0.05 + 0.3 * chance(), heals });
  }
  return faults;
}

function draw(chance: () => number): { readonly kind: FaultKind; readonly msMax: number } {
  const total = lineFaults.reduce((sum, { weight }) => sum + weight, 0);
  let ticket = chance() * total;
  for (const fault of lineFaults) {
    ticket -= fault.weight;
    if (ticket < 0) return fault;
  }
  return { kind: "cut", msMax: 0 };
}
