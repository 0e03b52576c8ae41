import { encodeFrame } from "../protocol/encode.ts";
import type { Member, PresenceFrame } from "../protocol/frames.ts";
import type { PresenceChange } from "./broker.ts";
import type { Reader } from "./reader.ts";

/** What {@link RoomPresence} needs of its room. */
export interface RoomPresenceContext {
  readonly room: string;
  /** Most members that are listed. */
  readonly membersMax: number;
  /** How many are present, and at most so many of them. */
  list(limit: number): Promise<{ readonly count: number; readonly list: readonly Member[] }>;
  /** Tries again later what the broker could not do. */
  retry(task: () => void, error: unknown): void;
}

/** Everybody present, or how many where they are too many to list: part of a frame. */
export type ListedMembers = Pick<PresenceFrame, "members" | "count">;

/** By session; null for one that is gone. */
type Changes = Map<string, Member | null>;

/** A list under way. */
interface Listing {
  readonly readers: Set<Reader>;
  /** Changes that were told since it was asked for. */
  readonly since: Changes;
}

/** Share of the bound on listed members that a room must have come down to before they are listed again. */
const relistShare = 0.9;

/** Who is present in a room, as this node's readers are told: changes of one turn go together. */
export class RoomPresence {
  readonly #context: RoomPresenceContext;
  #changes: Changes | null = null;
  #listing: Listing | null = null;
  /** How many are present, as last heard. */
  #count = 0;
  /** Whether there are too many members to list them. */
  #crowded = false;

  constructor(context: RoomPresenceContext) {
    this.#context = context;
  }

  get hasChanged(): boolean {
    return this.#changes !== null;
  }

  receive({ set, gone, count }: PresenceChange): void {
    this.#changes ??= new Map();
    if (set) this.#changes.set(set.session, set);
    if (gone !== undefined) this.#changes.set(gone, null);
    this.#count = count;
  }

  /** The frame that tells what changed since the last one. */
  take(readers: readonly Reader[]): string {
    const { room, membersMax } = this.#context;
    const changes: Changes = this.#changes ?? new Map();
    this.#changes = null;
    if (this.#listing) for (const [session, member] of changes) this.#listing.since.set(session, member);
    const wasCrowded = this.#crowded;
    // Not listed again at the first one who leaves, or a room at the bound would be listed over and over.
    this.#crowded = this.#count > membersMax * (wasCrowded ? relistShare : 1);
    if (this.#crowded) return encodeFrame({ type: "presence", room, count: this.#count });
    if (wasCrowded) this.relist(readers);
    const set: Member[] = [];
    const gone: string[] = [];
    for (const [session, member] of changes) {
      if (member) set.push(member);
      else gone.push(session);
    }
    return encodeFrame({
      type: "presence",
      room,
      ...(set.length > 0 && { set }),
      ...(gone.length > 0 && { gone }),
    });
  }

  async members(): Promise<ListedMembers> {
    const { membersMax } = this.#context;
    const { count, list: members } = await this.#context.list(membersMax);
    return count > membersMax ? { count } : { members };
  }

  /** Sends the whole list to a reader that missed changes of it: one list for all who wait for it at the time. */
  sendMembers(reader: Reader): void {
    reader.missedPresence = false;
    if (this.#listing) this.#listing.readers.add(reader);
    else this.#list({ readers: new Set([reader]), since: new Map() });
  }

  /** The members are sent anew to everybody who keeps up; the others get them when they do. */
  relist(readers: readonly Reader[]): void {
    // A list under way may have been read before what this is for: its readers get the new one.
    const listed = this.#listing?.readers ?? new Set();
    for (const reader of readers) {
      if (reader.live) listed.add(reader);
      else reader.missedPresence = true;
    }
    if (listed.size > 0) this.#list({ readers: listed, since: new Map() });
  }

  #list(listing: Listing): void {
    this.#listing = listing;
    const { readers, since } = listing;
    this.members().then(
      (listed) => this.#isListed(listing) && this.#send(readers, withChanges(listed, since)),
      (error: unknown) => this.#isListed(listing) && this.#listLater(readers, error),
    );
  }

  /** Ends a list under way, unless another one was begun meanwhile. */
  #isListed(listing: Listing): boolean {
    if (this.#listing !== listing) return false;
    this.#listing = null;
    return true;
  }

  #send(readers: ReadonlySet<Reader>, listed: ListedMembers): void {
    const text = encodeFrame({ type: "presence", room: this.#context.room, ...listed });
    for (const reader of readers) if (!reader.left) reader.outbox.sendText(text);
  }

  #listLater(readers: ReadonlySet<Reader>, error: unknown): void {
    for (const reader of readers) reader.missedPresence = true;
    this.#context.retry(() => this.relist([...readers].filter(({ live }) => live)), error);
  }
}

/**
 * A list with what was told since it was asked for: the list may be older. Where it is newer, what it is set back to is
 * followed by the same changes again, and it ends the same.
 */
function withChanges({ members, count }: ListedMembers, since: Changes): ListedMembers {
  if (!members) return { ...(count !== undefined && { count }) };
  const current = new Map<string, Member | null>(members.map((member) => [member.session, member]));
  for (const [session, member] of since) current.set(session, member);
  return { members: [...current.values()].filter((member) => member !== null) };
}
