import { inboxPattern, type Contract, type RoomDefinition } from "./contract.ts";

/** Who may send something. */
interface Sent {
  readonly from: "client" | "server";
}

/** One kind of room in an {@link Outline}. */
export interface OutlineRoom {
  readonly events: Readonly<Record<string, Sent>>;
  readonly signals: Readonly<Record<string, Sent>>;
  /** Whether it has presence. */
  readonly presence: boolean;
}

/** The names of a contract and what kind each is of, without schemas: what two ends compare when they meet. */
export interface Outline {
  /** By pattern; that of the inbox is not among them. */
  readonly rooms: Readonly<Record<string, OutlineRoom>>;
  readonly requests: Readonly<Record<string, { readonly idempotent: boolean }>>;
  /** Names of the inbox's events, sorted; null where there is none. */
  readonly inbox: readonly string[] | null;
}

/** The outline of a contract. */
export function outlineOf({ rooms, requests, hasInbox }: Contract): Outline {
  const patterns = Object.entries(rooms).filter(([pattern]) => !hasInbox || pattern !== inboxPattern);
  const inbox = hasInbox ? rooms[inboxPattern] : undefined;
  return {
    rooms: Object.fromEntries(patterns.map(([pattern, room]) => [pattern, outlineRoom(room)])),
    requests: Object.fromEntries(
      Object.entries(requests).map(([name, { idempotent }]) => [name, { idempotent }]),
    ),
    inbox: inbox ? Object.keys(inbox.events).toSorted() : null,
  };
}

function outlineRoom({ events, presence }: RoomDefinition): OutlineRoom {
  const of = (kind: string): Record<string, Sent> =>
    Object.fromEntries(
      Object.entries(events).flatMap(([name, it]) => (it.kind === kind ? [[name, { from: it.from }]] : [])),
    );
  return { events: of("event"), signals: of("signal"), presence: presence !== undefined };
}
