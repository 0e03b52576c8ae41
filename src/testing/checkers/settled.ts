import { defaultLimits } from "../../server/limits.ts";
import type { DeviceState, EndState, RoomEnd } from "../end-state.ts";
import type { Violation } from "./violation.ts";

/** What is expected of a world that was given time after its faults were healed. */
export interface SettledRules {
  /** Devices that are turned away, and so never open. */
  readonly isTurnedAway?: (device: string) => boolean;
  /** Rooms that a device is refused. */
  readonly mayRead?: (device: string, room: string) => boolean;
  /** How many members are listed; of more, only their number is told. Default: as many as by default. */
  readonly membersMax?: number;
  /** Whether presence has to be right. Default true. */
  readonly presence?: boolean;
}

/** Everything has come to rest: all are connected, all is settled, all readers are at the head, presence agrees. */
export function checkSettled(end: EndState, rules: SettledRules = {}): Violation[] {
  const messages = end.devices.flatMap((device) =>
    rules.isTurnedAway?.(device.name) ? [] : checkDevice(device, end, rules),
  );
  for (const { name, rooms, subscriptions } of end.nodes) {
    if (subscriptions !== null && subscriptions > rooms)
      messages.push(`${name} is subscribed to ${subscriptions} rooms and has ${rooms}`);
  }
  const connections = end.nodes.reduce((sum, node) => sum + node.connections, 0);
  const open = end.devices.filter(({ status }) => status === "open").length;
  if (connections !== open)
    messages.push(`nodes count ${connections} connections, and ${open} devices have one`);
  return messages.map((message) => ({ checker: "settled", message, atMs: end.atMs }));
}

function checkDevice(device: DeviceState, end: EndState, rules: SettledRules): string[] {
  const { name, status, closedBy, pending } = device;
  const messages: string[] = [];
  if (status !== "open") messages.push(`${name} is ${status}${closedBy && ` by ${closedBy}`}`);
  if (pending.length > 0) messages.push(`${name} waits for ${pending.join(", ")}`);
  for (const room of device.rooms) {
    if (rules.mayRead?.(name, room.name) !== false) messages.push(...checkRoom(device, room, end, rules));
    else if (room.status !== "refused")
      messages.push(`${name} is ${room.status} in ${room.name}, not refused`);
  }
  return messages;
}

type RoomState = DeviceState["rooms"][number];

function checkRoom(device: DeviceState, room: RoomState, end: EndState, rules: SettledRules): string[] {
  const { position, status } = room;
  const messages: string[] = [];
  if (status !== "joined") messages.push(`${device.name} is ${status} in ${room.name}, not joined`);
  const log = end.rooms.find(({ name }) => name === room.name);
  if (log && !isAtHead(position, log)) {
    const place = `${position?.epoch} ${position?.offset} of ${log.name}`;
    messages.push(
      `${device.name} (reader ${room.reader}) is at ${place}, whose head is ${log.epoch} ${log.head}`,
    );
  }
  return rules.presence === false ? messages : [...messages, ...checkPresence(device, room, end, rules)];
}

function isAtHead(position: RoomState["position"], { epoch, head }: RoomEnd): boolean {
  return position?.epoch === epoch && position.offset === head;
}

/** Everybody sees exactly those present who are, each with the state it set last. */
function checkPresence(
  { name }: DeviceState,
  room: RoomState,
  end: EndState,
  { membersMax = defaultLimits.presenceMembers }: SettledRules,
): string[] {
  const expected = new Map<string, string>();
  for (const device of end.devices) {
    const state =
      device.status === "open" ? device.rooms.find((it) => it.name === room.name)?.state : undefined;
    if (state !== undefined) expected.set(device.session, JSON.stringify(state));
  }
  const seen = new Map(room.members.map((member) => [member.session, JSON.stringify(member.state)]));
  const show = (members: ReadonlyMap<string, string>): string =>
    [...members]
      .map(([session, state]) => `${session} ${state}`)
      .toSorted()
      .join(", ");
  if (seen.size > membersMax) return [`${name} sees ${seen.size} members listed in ${room.name}`];
  // Where there are too many to list them, and a while after, only how many there are is told.
  if (seen.size === 0 && room.count === expected.size) return [];
  if (show(expected) === show(seen)) return [];
  return [`${name} sees present in ${room.name}: ${show(seen)}; there are: ${show(expected)}`];
}
