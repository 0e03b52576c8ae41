import type { Contract } from "../contract/contract.ts";
import { defaultLimits } from "../server/limits.ts";
import { Account } from "./account.ts";
import { checkAll, type CheckOptions } from "./checkers/all.ts";
import { checkSettled } from "./checkers/settled.ts";
import type { Violation } from "./checkers/violation.ts";
import { Storm } from "./faults.ts";
import { Flooder } from "./flooder.ts";
import type { History } from "./history.ts";
import { Patience } from "./patience.ts";
import { swarmContract, type Note } from "./swarm-contract.ts";
import { drawKnobs, type SwarmKnobs } from "./swarm-knobs.ts";
import { goodToken, mayEnter, strangerName, swarmServer } from "./swarm-server.ts";
import { Thief } from "./thief.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";
import type { Wraps } from "./wraps.ts";

/** Options of {@link swarm}. */
export interface SwarmOptions {
  /** Knobs to set by hand instead of drawing them. */
  readonly knobs?: Partial<SwarmKnobs>;
  /** What is put around the seams. */
  readonly wraps?: Wraps;
  /** Records every frame. Default false. */
  readonly trace?: boolean;
}

/** What a {@link swarm} came to. */
export interface SwarmReport {
  readonly seed: number;
  readonly knobs: SwarmKnobs;
  /** Empty: all is well. */
  readonly violations: readonly Violation[];
  readonly history: History;
  /** Virtual time that passed. */
  readonly virtualMs: number;
  readonly steps: number;
}

/** How long a world may take to come to rest once nothing harms it any more. */
const settleMs = 120_000;

/** Draws a world, a workload and a storm from a seed, lets them run, heals everything, and checks. */
export async function swarm(seed: number, options: SwarmOptions = {}): Promise<SwarmReport> {
  const knobs: SwarmKnobs = { ...drawKnobs(seed), ...options.knobs };
  const contract = swarmContract(knobs.historyCount);
  const world = startWorld(seed, contract, knobs, options);
  const workload = new Workload(world, knobs);
  const storm = new Storm(world, {
    weights: knobs.faults,
    meanMs: knobs.faultMeanMs,
    lastsMs: knobs.faultLastsMs,
    onReload: (device, former) => workload.rejoin(device, former),
  });
  const accounts = addDevices(world, knobs);
  const intruders = intrudersOf(world, knobs);
  for (const intruder of intruders) intruder.start();
  changeHands(world, knobs, accounts);
  workload.start();
  storm.start();
  await world.run(knobs.activeMs);
  workload.stop();
  storm.stop();
  for (const intruder of intruders) intruder.stop();
  for (const account of accounts.values()) account.heal();
  const violations = await settle(world, knobs, workload);
  workload.measure();
  world.timeline.standstill.end();
  return {
    seed,
    knobs,
    violations: [...checkAll(world.history.steps, checkOptions(world, knobs)), ...violations],
    history: world.history,
    virtualMs: world.nowMs,
    steps: world.timeline.steps,
  };
}

function checkOptions(world: World<Contract>, { devices, sessionTtlMs }: SwarmKnobs): CheckOptions {
  return {
    contract: world.contract,
    mayRead,
    matches: sameNumber,
    verbatim: true,
    keeps: (device) => devices[Number(device.slice("dev".length)) - 1] === "sync",
    pending: world.devices.flatMap(({ client }) => client.pending.map(({ id }) => id ?? "")),
    sessionTtlMs,
  };
}

function startWorld(
  seed: number,
  contract: Contract,
  knobs: SwarmKnobs,
  { wraps, trace }: SwarmOptions,
): World<Contract> {
  const { nodes, broker, latencyMs, brokerLatencyMs, brokerRepeats, tornShare, sessionTtlMs, limits } = knobs;
  const given = { ...knobs, limits: { ...limits, ...wraps?.limits } };
  const world: World<Contract> = World.start<Contract>({
    seed,
    contract,
    nodes,
    broker,
    latencyMs,
    brokerLatencyMs,
    brokerRepeats,
    tornShare,
    sessionTtlMs,
    leaseMs: 2 * knobs.heartbeatMs,
    drainBytes: Math.min(65_536, limits.slowBytes ?? 65_536),
    server: (seams, node, history) => swarmServer(contract, given, history, { seams, node }),
    ...(trace && { trace }),
    ...(wraps && { wraps }),
  });
  return world;
}

function intrudersOf(
  world: World<Contract>,
  { intruders: { thief, flood }, limits }: SwarmKnobs,
): (Thief | Flooder)[] {
  const token = (name: string): string => goodToken + name;
  return [
    ...(thief ? [new Thief(world, token("thief"), { hasSecrets: thief === "secrets" })] : []),
    ...(flood ? [new Flooder(world, token("flooder"), flood, { ...defaultLimits, ...limits })] : []),
  ];
}

function addDevices(
  world: World<Contract>,
  { devices, stranger, outboxCount, accounts }: SwarmKnobs,
): ReadonlyMap<string, Account> {
  const { timeline, random, history } = world;
  const byDevice = new Map<string, Account>();
  for (const [index, keeping] of devices.entries()) {
    const name = `dev${index + 1}`;
    if (!accounts) {
      world.device(name, { token: goodToken + name, keeping, outboxCount });
      continue;
    }
    const account = new Account(name, { ...accounts, timeline, random: random.fork(`${name} account`) });
    byDevice.set(name, account);
    const token = (): string | Promise<string> => {
      history.add({ type: "dial", device: name });
      return account.token();
    };
    const tellsUser = accounts.changes === "told";
    world.device(name, { token, user: () => account.user, tellsUser, keeping, outboxCount });
  }
  if (stranger) world.device(strangerName, { token: "bad", outboxCount });
  return byDevice;
}

/** Devices change hands now and then. */
function changeHands(
  world: World<Contract>,
  { accounts, activeMs }: SwarmKnobs,
  byDevice: ReadonlyMap<string, Account>,
): void {
  if (!accounts?.changes) return;
  const random = world.random.fork("hands");
  for (let atMs = random.waitMs(8000); atMs < activeMs; atMs += random.waitMs(8000)) {
    const device = random.pick(world.devices.filter(({ name }) => byDevice.has(name)));
    world.timeline.after(atMs, () =>
      device.process.run(() => {
        const account = byDevice.get(device.name) as Account;
        account.change();
        world.history.add({ type: "user-changed", device: device.name, user: account.user });
        device.client.reconnect();
      }),
    );
  }
}

/** Heals the world and waits until it has come to rest; what then still is not as it should be is the answer. */
async function settle(world: World<Contract>, knobs: SwarmKnobs, workload: Workload): Promise<Violation[]> {
  world.heal({ tells: world.random.fork("heal").chance(0.5) });
  const losses = (): number =>
    world.history.of("ledgers-lost").filter(({ session }) => session === null).length;
  const rules = {
    isTurnedAway: (device: string) => device === strangerName,
    mayRead,
    membersMax: knobs.limits.presenceMembers ?? defaultLimits.presenceMembers,
  };
  // A log that was lost shows that it was when something new is in it.
  let unprobed: string[] = [];
  let probedLosses = 0;
  const patience = new Patience(world.nowMs, settleMs);
  for (;;) {
    await world.run(2000);
    for (const node of world.nodes) node.start();
    for (const device of world.devices) workload.comeBack(device);
    if (losses() > probedLosses) unprobed = roomNames(knobs);
    probedLosses = losses();
    if (unprobed.length > 0) unprobed = await probe(world, unprobed);
    const endState = world.endState();
    const violations = checkSettled(endState, rules);
    if ((violations.length === 0 && unprobed.length === 0) || patience.isOver(endState)) return violations;
  }
}

function roomNames({ rooms }: SwarmKnobs): string[] {
  return Array.from({ length: rooms }, (_, index) => [`open/${index + 1}`, `closed/${index + 1}`]).flat();
}

/** Publishes something to each of the rooms; gives back those where that failed. */
async function probe(world: World<Contract>, rooms: readonly string[]): Promise<string[]> {
  const server = world.nodes.find(({ isUp }) => isUp)?.server;
  const left = new Set(rooms);
  for (const room of rooms) {
    server?.publish(room as never, "notice" as never, { n: 0, fill: "" }).then(
      () => left.delete(room),
      () => {},
    );
  }
  await world.run(2000);
  return [...left];
}

function sameNumber(input: string, reply: string): boolean {
  return (JSON.parse(input) as Note).n === (JSON.parse(reply) as Note).n;
}

function mayRead(device: string, room: string): boolean {
  return device !== strangerName && mayEnter(device, room);
}
