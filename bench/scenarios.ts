import type { ContenderName, Role } from "./contenders/contender.ts";
import type { Work } from "./load/task.ts";

/** What Bowline's figure may be at most, as a multiple of another contender's. */
export interface Target {
  readonly of: ContenderName;
  readonly most: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What `figure` of a sample is. */
  readonly unit: string;
  readonly role: Role;
  readonly work: Work;
  readonly targets: readonly Target[];
}

const deliveryUnit = "CPU s per million deliveries";

/** Everything that is measured. `quick` is a smoke test: the same code, too short and too small for the figures to count. */
export function scenarios(quick: boolean): readonly Scenario[] {
  return [...fanOuts(quick), ...others(quick)];
}

function fanOuts(quick: boolean): Scenario[] {
  const times = quick ? { warmUpMs: 200, measuredMs: 500 } : { warmUpMs: 1000, measuredMs: 2500 };
  const members = quick ? 200 : 1000;
  const shared = { unit: deliveryUnit, role: "fan-out" as const };
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
  ];
}

function others(quick: boolean): Scenario[] {
  const times = quick ? { warmUpMs: 200, measuredMs: 500 } : { warmUpMs: 2000, measuredMs: 4000 };
  const clients = 100;
  const echo = { unit: "CPU s per million round trips", role: "echo" as const };
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
      role: "fan-out",
      work: { kind: "idle-memory", before: quick ? 100 : 1000, connections, settleMs: quick ? 300 : 1000 },
      targets: [{ of: "ws", most: 1.4 }],
    },
    {
      name: "connection-storm",
      title: `${handshakes} connections, 50 at a time, up to joined`,
      unit: "CPU µs per connection",
      role: "fan-out",
      work: { kind: "connection-storm", warmUp: quick ? 300 : 2000, connections: handshakes, atOnce: 50 },
      targets: [],
    },
  ];
}
