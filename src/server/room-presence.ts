import type { Clock } from "../base/clock.ts";
import { fits, utf8Length } from "../base/utf8.ts";
import type { JoinedFrame, Member, PresenceFrame } from "../protocol/frames.ts";
import type { PresenceChange } from "./broker.ts";
import type { Codec } from "./codec.ts";
import type { Message } from "./engine.ts";
import type { Reader } from "./reader.ts";
import { SharedMessages } from "./shared-messages.ts";

/** What {@link RoomPresence} needs of its room. */
export interface RoomPresenceContext {
  readonly room: string;
  /** Most members that are listed. */
  readonly membersMax: number;
  /** Most bytes that a list of them has. */
  readonly listBytesMax: number;
  readonly clock: Clock;
  /** There is something to tell. */
  changed(): void;
  /** How many are present, and at most so many of them. */
  list(limit: number): Promise<{ readonly count: number; readonly list: readonly Member[] }>;
  /** Tries again later what the broker could not do. */
  retry(task: () => void, error: unknown): void;
  /** A codec failed. */
  readonly report: (error: unknown) => void;
}

/** Everybody present, as JSON, or how many where they are too many to list. */
export type ListedMembers = { readonly members: string } | { readonly count: number };

/** A frame with who is present, in the encoding of a codec. */
export function listFrame(codec: Codec, frame: JoinedFrame | PresenceFrame, listed: ListedMembers): Message {
  return "count" in listed
    ? codec.frame({ ...frame, count: listed.count })
    : codec.list(frame, listed.members);
}

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
/** How long a list that had too many bytes is not made again, unless so many members have gone. */
const tooLongMs = 10_000;

/** Who is present in a room, as this node's readers are told: changes of one turn go together. */
export class RoomPresence {
  readonly #context: RoomPresenceContext;
  #changes: Changes | null = null;
  #listing: Listing | null = null;
  /** Readers of lists that failed: they get one when it is tried again. */
  readonly #late = new Set<Reader>();
  /** How many are present, as last heard. */
  #count = 0;
  /** Whether anybody was told who is here: where the contract gives the room no presence, nobody ever is. */
  #isTold = false;
  /** Whether there are too many members to list them. */
  #crowded = false;
  /** The last list that had too many bytes. */
  #tooLong: { readonly count: number; readonly untilMs: number } | null = null;

  constructor(context: RoomPresenceContext) {
    this.#context = context;
  }

  get hasChanged(): boolean {
    return this.#changes !== null;
  }

  receive({ set, gone, count }: PresenceChange): void {
    this.#isTold = true;
    this.#changes ??= new Map();
    if (set) this.#changes.set(set.session, set);
    if (gone !== undefined) this.#changes.set(gone, null);
    this.#count = count;
  }

  /** The frame that tells what changed since the last one. */
  take(readers: readonly Reader[]): PresenceFrame {
    const { room } = this.#context;
    const changes: Changes = this.#changes ?? new Map();
    this.#changes = null;
    if (this.#listing) for (const [session, member] of changes) this.#listing.since.set(session, member);
    const wasCrowded = this.#crowded;
    this.#crowded = this.#isTooMany(this.#count, wasCrowded);
    if (this.#crowded) return { type: "presence", room, count: this.#count };
    if (wasCrowded) this.relist(readers);
    const set: Member[] = [];
    const gone: string[] = [];
    for (const [session, member] of changes) {
      if (member) set.push(member);
      else gone.push(session);
    }
    const frame: PresenceFrame = {
      type: "presence",
      room,
      ...(set.length > 0 && { set }),
      ...(gone.length > 0 && { gone }),
    };
    if (fits(JSON.stringify(frame), this.#context.listBytesMax)) return frame;
    // What changed in one turn is more than a list may have, and so is the list: it is tried, and then told as a count.
    this.relist(readers);
    return { type: "presence", room, count: this.#count };
  }

  async members(): Promise<ListedMembers> {
    this.#isTold = true;
    // A room that is known to be too long a list costs nothing: anybody may come and go as often as they like.
    if (this.#crowded && this.#isTooMany(this.#count, true)) return { count: this.#count };
    const { count, list } = await this.#context.list(this.#context.membersMax);
    return this.#listed(count, list);
  }

  /** Sends the whole list to a reader that missed changes of it: one list for all who wait for it at the time. */
  sendMembers(reader: Reader): void {
    reader.missedPresence = false;
    if (this.#listing) this.#listing.readers.add(reader);
    else this.#list({ readers: new Set([reader]), since: new Map() });
  }

  /** The members are sent anew to everybody who keeps up; the others get them when they do. */
  relist(readers: readonly Reader[]): void {
    if (!this.#isTold) return;
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
    this.#context.list(this.#context.membersMax).then(
      ({ count, list: members }) => this.#isListed(listing) && this.#send(listing, count, members),
      (error: unknown) => this.#isListed(listing) && this.#listLater(listing.readers, error),
    );
  }

  /** Ends a list under way, unless another one was begun meanwhile. */
  #isListed(listing: Listing): boolean {
    if (this.#listing !== listing) return false;
    this.#listing = null;
    return true;
  }

  /** Who can't take it now gets a new list when it can: it is made only if somebody does. */
  #send({ readers, since }: Listing, count: number, members: readonly Member[]): void {
    const taking: Reader[] = [];
    for (const reader of readers) {
      if (reader.left) continue;
      if (reader.outbox.isFull()) reader.missPresence();
      else taking.push(reader);
    }
    if (taking.length === 0) return;
    const listed = count > this.#context.membersMax ? [] : withChanges(members, since);
    this.#share(taking, this.#listed(count, listed));
  }

  /** A reader whose codec fails stays without the list. */
  #share(readers: readonly Reader[], listed: ListedMembers): void {
    const frame: PresenceFrame = { type: "presence", room: this.#context.room };
    const encode = (codec: Codec): Message[] => [listFrame(codec, frame, listed)];
    const shared = new SharedMessages({ encode }, this.#context.report);
    for (const { outbox } of readers) {
      const batch = shared.batch(outbox.format);
      if (batch) outbox.sendBatch(batch);
    }
  }

  /** The list as JSON, or the count where the list has too many members or bytes. */
  #listed(count: number, members: readonly Member[]): ListedMembers {
    const { membersMax, listBytesMax, clock } = this.#context;
    if (count > membersMax) return { count };
    const texts: string[] = [];
    let bytes = 1;
    for (const member of members) {
      const text = JSON.stringify(member);
      bytes += utf8Length(text) + 1;
      if (bytes > listBytesMax) {
        this.#count = count;
        this.#tooLong = { count, untilMs: clock.elapsed() + tooLongMs };
        if (!this.#crowded) this.#crowd();
        return { count };
      }
      texts.push(text);
    }
    return { members: `[${texts.join(",")}]` };
  }

  /** Whether so many members can't be listed, as far as that is known without making the list. */
  #isTooMany(count: number, wasCrowded: boolean): boolean {
    const { membersMax, clock } = this.#context;
    // Not listed again at the first one who leaves, or a room at the bound would be listed over and over.
    if (count > membersMax * (wasCrowded ? relistShare : 1)) return true;
    const tooLong = this.#tooLong;
    return tooLong !== null && clock.elapsed() < tooLong.untilMs && count > tooLong.count * relistShare;
  }

  /** Tells everybody the count from here on. */
  #crowd(): void {
    this.#crowded = true;
    this.#changes ??= new Map();
    this.#context.changed();
  }

  /** One list is tried again, however many failed: each would come again, and fail, for as long as the outage lasts. */
  #listLater(readers: ReadonlySet<Reader>, error: unknown): void {
    for (const reader of readers) reader.missedPresence = true;
    const isUnderWay = this.#late.size > 0;
    for (const reader of readers) this.#late.add(reader);
    if (!isUnderWay) this.#context.retry(() => this.#listAgain(), error);
  }

  #listAgain(): void {
    const readers = [...this.#late].filter(({ live }) => live);
    this.#late.clear();
    this.relist(readers);
  }
}

/**
 * A list with what was told since it was asked for: the list may be older. Where it is newer, what it is set back to is
 * followed by the same changes again, and it ends the same.
 */
function withChanges(members: readonly Member[], since: Changes): readonly Member[] {
  if (since.size === 0) return members;
  const current = new Map<string, Member | null>(members.map((member) => [member.session, member]));
  for (const [session, member] of since) current.set(session, member);
  return [...current.values()].filter((member) => member !== null);
}
