import type { ContenderName, Role } from "./contenders/contender.ts";
import type { Work } from "./load/task.ts";

/** What Bowline's figure may be at most, or what it does per second at least, as a multiple of another contender's. */
export type Target =
  | { readonly of: ContenderName; readonly most: number }
  | { readonly of: ContenderName; readonly leastPerSecond: number };

/** Nodes that share a broker. */
export interface Cluster {
  readonly nodes: number;
  /** The first ones, over which the clients are spread. */
  readonly nodesWithClients: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What `figure` of a sample is. */
  readonly unit: string;
  readonly contenders: readonly ContenderName[];
  /** With it the figure is the broker's; without it there is one server by itself, and the figure is the server's. */
  readonly cluster?: Cluster;
  readonly role: Role;
  readonly work: Work;
  readonly targets: readonly Target[];
}

const standalone: readonly ContenderName[] = ["bowline", "socket.io", "ws", "tcp"];
const clustered: readonly ContenderName[] = ["bowline", "socket.io-redis", "socket.io-streams"];

const deliveryUnit = "CPU s per million deliveries";

/** A scenario as a comparison of this tree with another one: what a change costs. */
export function against(scenario: Scenario): Scenario {
  return {
    ...scenario,
    contenders: ["bowline", "bowline-before"],
    targets: [{ of: "bowline-before", most: 1.02 }],
  };
}

/** Everything that is measured. `quick` is a smoke test: the same code, too short and too small for the figures to count. */
export function scenarios(quick: boolean): readonly Scenario[] {
  return [...fanOuts(quick), ...others(quick), ...clusters(quick)];
}

function fanOuts(quick: boolean): Scenario[] {
  const times = quick ? { warmUpMs: 200, measuredMs: 500 } : { warmUpMs: 1000, measuredMs: 2500 };
  const members = quick ? 200 : 1000;
  const shared = { unit: deliveryUnit, contenders: standalone, role: "fan-out" as const };
  const work = { kind: "fan-out" as const, members, ...times };
  return [
    {
      ...shared,
      name: "fan-out-1",
      title: `${members} members, 1 publisher`,
      work: { ...work, publishers: 1, outstanding: 1 },
      targets: [
        { of: "socket.io", most: 0.75 },
        { of: "tcp", most: 1.2 },
      ],
    },
    {
      ...shared,
      name: "fan-out-20",
      title: `${members} members, 20 publishers`,
      work: { ...work, publishers: 20, outstanding: 1 },
      targets: [{ of: "socket.io", most: 0.1 }],
    },
    {
      ...shared,
      name: "fan-out-burst",
      title: `${members} members, 20 publishers with 16 messages under way each`,
      work: { ...work, publishers: 20, outstanding: 16 },
      targets: [],
    },
    {
      ...shared,
      name: "fan-out-rooms",
      title: `${members / 4} rooms of 4 members, a publisher each`,
      // The others have one room here.
      contenders: ["bowline"],
      work: { ...work, rooms: members / 4, publishers: members / 4, outstanding: 1 },
      targets: [],
    },
  ];
}

function others(quick: boolean): Scenario[] {
  const times = quick ? { warmUpMs: 200, measuredMs: 500 } : { warmUpMs: 2000, measuredMs: 4000 };
  const clients = 100;
  const echo = { unit: "CPU s per million round trips", contenders: standalone, role: "echo" as const };
  const connections = quick ? 500 : 5000;
  const handshakes = quick ? 300 : 3000;
  return [
    {
      ...echo,
      name: "echo",
      title: `request and reply, ${clients} clients; the request may run twice, as in the controls`,
      work: { kind: "echo", once: false, clients, ...times },
      targets: [{ of: "ws", most: 1.2 }],
    },
    {
      ...echo,
      name: "echo-once",
      title: `request and reply, ${clients} clients; Bowline keeps each answer so that no request runs twice`,
      work: { kind: "echo", once: true, clients, ...times },
      targets: [],
    },
    {
      name: "idle-memory",
      title: `${connections} idle connections that have joined`,
      unit: "KiB RSS per connection",
      contenders: standalone,
      role: "fan-out",
      work: { kind: "idle-memory", before: quick ? 100 : 1000, connections, settleMs: quick ? 300 : 1000 },
      targets: [{ of: "ws", most: 1.4 }],
    },
    {
      name: "connection-storm",
      title: `${handshakes} connections, 50 at a time, up to joined`,
      unit: "CPU µs per connection",
      contenders: standalone,
      role: "fan-out",
      work: { kind: "connection-storm", warmUp: quick ? 300 : 2000, connections: handshakes, atOnce: 50 },
      targets: [],
    },
  ];
}

function clusters(quick: boolean): Scenario[] {
  const rooms = 20;
  const membersPerRoom = 5;
  const outstanding = 4;
  const load = `${rooms} rooms, ${membersPerRoom} members each, all publish with ${outstanding} messages under way`;
  const shared = { unit: "broker's CPU s per million publishes", role: "cluster" as const };
  const workFor = (nodes: number): Work => ({
    kind: "cluster",
    rooms,
    membersPerRoom,
    outstanding,
    // Nodes share a core, and each has its own code to compile.
    warmUpMs: quick ? 200 : 1500 * nodes,
    measuredMs: quick ? 500 : 4000,
  });
  const spread = [1, 2, 4].map((nodes): Scenario => ({
    ...shared,
    work: workFor(nodes),
    name: `cluster-${nodes}`,
    title: `${nodes} node${nodes === 1 ? "" : "s"}, ${load}`,
    contenders: clustered,
    cluster: { nodes, nodesWithClients: nodes },
    targets: [
      { of: "socket.io-streams", most: 1 },
      { of: "socket.io-streams", leastPerSecond: 1 },
    ],
  }));
  const idle: Scenario = {
    ...shared,
    work: workFor(4),
    name: "cluster-idle",
    title: `4 nodes, three of them without clients, ${load}`,
    contenders: [...clustered, "bowline-alone"],
    cluster: { nodes: 4, nodesWithClients: 1 },
    targets: [{ of: "bowline-alone", most: 1.1 }],
  };
  return [...spread, idle];
}
