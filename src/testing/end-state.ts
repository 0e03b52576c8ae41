import type { Contract } from "../contract/contract.ts";
import type { Member, Position } from "../protocol/frames.ts";
import type { World } from "./world.ts";

/** How everything stands at one moment. */
export interface EndState {
  readonly atMs: number;
  readonly devices: readonly DeviceState[];
  /** By name; what the broker holds. */
  readonly rooms: readonly RoomEnd[];
  readonly nodes: readonly NodeState[];
}

export interface DeviceState {
  readonly name: string;
  readonly session: string;
  readonly status: string;
  readonly closedBy: string;
  /** Publishes without an end. */
  readonly pending: readonly string[];
  readonly rooms: readonly {
    readonly reader: number;
    readonly name: string;
    readonly status: string;
    readonly position: Position | null;
    readonly members: readonly Member[];
    /** How many it takes to be present, listed or not. */
    readonly count: number;
    /** The device's own presence state there; undefined where it has none. */
    readonly state: unknown;
  }[];
}

export interface RoomEnd {
  readonly name: string;
  readonly epoch: string;
  readonly head: number;
}

export interface NodeState {
  readonly name: string;
  readonly connections: number;
  readonly rooms: number;
  /** Rooms it is subscribed to; null with a memory broker. */
  readonly subscriptions: number | null;
}

/** Looks at everything that can be seen from outside. */
export function takeEndState<C extends Contract>(world: World<C>): EndState {
  return {
    atMs: world.nowMs,
    devices: world.devices.map((device): DeviceState => {
      const { status, session, pending } = device.client;
      return {
        name: device.name,
        session: session ?? "",
        status: status.state,
        closedBy: status.state === "closed" ? (status.error?.code ?? "") : "",
        pending: pending.map(({ id }) => id ?? ""),
        rooms: device.rooms.map((room) => ({
          reader: room.reader,
          name: room.name,
          status: room.status.state,
          position: room.position,
          members: [...room.members.values()],
          count: room.presence.count,
          state: room.state,
        })),
      };
    }),
    rooms: roomEnds(world),
    nodes: world.nodes.map((node): NodeState => {
      const { connections = 0, rooms = 0 } = node.server?.stats() ?? {};
      return {
        name: node.name,
        connections,
        rooms,
        subscriptions: node.shared?.subscriptions().length ?? null,
      };
    }),
  };
}

/** The head of each log, from what was appended. Of logs that were lost nothing is expected. */
function roomEnds<C extends Contract>({ history }: World<C>): RoomEnd[] {
  const ends = new Map<string, RoomEnd>();
  for (const step of history.steps) {
    if (step.type === "ledgers-lost" && step.session === null) ends.clear();
    if (step.type === "log-lost") ends.delete(step.room);
    if (step.type !== "appended") continue;
    const { epoch, offset } = step.position;
    ends.set(step.room, { name: step.room, epoch, head: offset });
  }
  return [...ends.values()];
}
