import { sortedEntries } from "./canonical-json.ts";
import { inboxPattern } from "./contract.ts";
import type { Outline, OutlineRoom } from "./outline.ts";

/** One thing in which two contracts differ. */
export type Difference = {
  readonly part: "room" | "event" | "signal" | "presence" | "request" | "inbox";
  /** Pattern of the room that it is, or is in. */
  readonly room?: string;
  /** Name of the event, signal or request. */
  readonly name?: string;
} & (
  | { readonly lacks: Side }
  | { readonly differs: "from" | "idempotent"; readonly ours: unknown; readonly theirs: unknown }
);

type Side = "ours" | "theirs";
type Place = Pick<Difference, "part" | "room" | "name">;
type Members = Readonly<Record<string, unknown>>;

/**
 * What differs between two outlines: rooms first, each with its events, signals and presence, then requests, then the
 * inbox; names in the order of the canonical form. Of a room that one of them lacks, nothing else is told. `theirs` may be
 * of a newer version: what this one does not know in it is passed over.
 */
export function differencesOf(ours: Outline, theirs: Partial<Outline>): Difference[] {
  return [
    ...compare(ours.rooms, theirs.rooms, (room) => ({ part: "room", room }), compareRooms),
    ...compare(ours.requests, theirs.requests, (name) => ({ part: "request", name }), compareRequests),
    ...compareInboxes(ours.inbox, theirs.inbox ?? null),
  ];
}

/** The members that one of two lacks, and what `inner` finds in those that both have. */
function compare<Member>(
  ours: Readonly<Record<string, Member>>,
  theirs: Readonly<Record<string, Member>> = {},
  place: (name: string) => Place,
  inner: (ours: Member, theirs: Member, place: Place) => Difference[],
): Difference[] {
  return sortedEntries<unknown>({ ...theirs, ...ours }).flatMap(([name]) => {
    const [own, other] = [memberOf(ours, name), memberOf(theirs, name)];
    if (!own || !other) return [{ ...place(name), lacks: own ? "theirs" : "ours" }];
    return inner(own, other, place(name));
  });
}

function compareRooms(ours: OutlineRoom, theirs: OutlineRoom, { room = "" }: Place): Difference[] {
  const place = (part: Place["part"]) => (name: string) => ({ part, room, name });
  const presence = (it: OutlineRoom): Members => (it.presence ? { presence: {} } : {});
  return [
    ...compare(ours.events, theirs.events, place("event"), compareFrom),
    ...compare(ours.signals, theirs.signals, place("signal"), compareFrom),
    ...compare(
      presence(ours),
      presence(theirs),
      () => ({ part: "presence", room }),
      () => [],
    ),
  ];
}

function compareFrom(ours: { from: unknown }, theirs: { from: unknown }, place: Place): Difference[] {
  if (ours.from === theirs.from) return [];
  return [{ ...place, differs: "from", ours: ours.from, theirs: theirs.from }];
}

function compareRequests(
  ours: { idempotent: unknown },
  theirs: { idempotent: unknown },
  place: Place,
): Difference[] {
  if (ours.idempotent === theirs.idempotent) return [];
  return [{ ...place, differs: "idempotent", ours: ours.idempotent, theirs: theirs.idempotent }];
}

function compareInboxes(ours: Outline["inbox"], theirs: Outline["inbox"]): Difference[] {
  if (!ours && !theirs) return [];
  if (!ours || !theirs) return [{ part: "inbox", lacks: ours ? "theirs" : "ours" }];
  const place = (name: string): Place => ({ part: "event", room: inboxPattern, name });
  return compare(membersOf(ours), membersOf(theirs), place, () => []);
}

function membersOf(names: readonly string[]): Members {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function memberOf<Member>(members: Readonly<Record<string, Member>>, name: string): Member | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

/** Most differences that are told one by one. */
const textsMax = 20;

/** Differences for people, from the side of the one whose contract is `ours`; `theirs` is what the other end is called. */
export function differenceTexts(differences: readonly Difference[], theirs: string): string[] {
  if (differences.length === 0) return ["in something that is of a newer version"];
  const texts = differences.slice(0, textsMax).map((it) => textOf(it, theirs));
  const left = differences.length - texts.length;
  return left > 0 ? [...texts, `and ${left} more`] : texts;
}

function textOf(difference: Difference, theirs: string): string {
  const { part, room, name } = difference;
  const inRoom = room === undefined ? "" : ` of "${room}"`;
  const what =
    part === "room"
      ? `room "${room}"`
      : name === undefined
        ? `${part}${inRoom}`
        : `${part} "${name}"${inRoom}`;
  if ("lacks" in difference)
    return difference.lacks === "theirs" ? `${theirs} lacks the ${what}` : `only ${theirs} has the ${what}`;
  const { differs, ours } = difference;
  return `the ${what} has ${differs} ${String(difference.theirs)} at ${theirs}, and ${String(ours)} here`;
}
