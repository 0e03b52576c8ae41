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

/** Share of the bound on listed members that a room must have come down to before they are listed again. */
const relistShare = 0.9;

/** Who is present in a room, as this node's readers are told: changes of one turn go together. */
export class RoomPresence {
  readonly #context: RoomPresenceContext;
  /** By session; null for one that is gone. */
  #changes: Map<string, Member | null> | null = null;
  /** How many are present, as last heard. */
  #count = 0;
  /** Whether there are too many members to list them. */
  #crowded = false;
  #taken = 0;

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
    const changes = this.#changes ?? [];
    this.#changes = null;
    this.#taken += 1;
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

  /** Sends the whole list to a reader that missed changes of it. */
  sendMembers(reader: Reader): void {
    const { room } = this.#context;
    reader.missedPresence = false;
    this.#currentMembers().then(
      (members) => {
        if (!reader.left) reader.outbox.sendText(encodeFrame({ type: "presence", room, ...members }));
      },
      (error: unknown) => {
        reader.missedPresence = true;
        this.#context.retry(() => reader.live && this.sendMembers(reader), error);
      },
    );
  }

  /** The members are sent anew to everybody who keeps up; the others get them when they do. */
  relist(readers: readonly Reader[]): void {
    for (const reader of readers) {
      if (reader.live) this.sendMembers(reader);
      else reader.missedPresence = true;
    }
  }

  /** A list that no change sent since it was asked for is newer than. */
  async #currentMembers(): Promise<ListedMembers> {
    for (;;) {
      const taken = this.#taken;
      const members = await this.members();
      if (taken === this.#taken) return members;
    }
  }
}
