import type { Member } from "../../protocol/frames.ts";
import type { Members, PresenceChange } from "../../server/broker.ts";

interface Present {
  readonly member: Member;
  readonly generation: number;
}

/** Who is present, in memory: with the only process, everybody is gone. */
export class Presence {
  readonly #rooms = new Map<string, Map<string, Present>>();

  /** The change it makes; null if it makes none. */
  enter(room: string, member: Member, generation: number): PresenceChange | null {
    const members = this.#rooms.get(room) ?? new Map<string, Present>();
    const present = members.get(member.session);
    if (present && present.generation > generation) return null;
    this.#rooms.set(room, members.set(member.session, { member, generation }));
    return { set: member, count: members.size };
  }

  exit(room: string, session: string, generation: number): PresenceChange | null {
    const members = this.#rooms.get(room);
    const present = members?.get(session);
    if (!members || !present || present.generation > generation) return null;
    members.delete(session);
    if (members.size === 0) this.#rooms.delete(room);
    return { gone: session, count: members.size };
  }

  members(room: string, limit: number): Members {
    const present = [...(this.#rooms.get(room)?.values() ?? [])];
    const list = present.length <= limit ? present.map(({ member }) => member) : [];
    return { count: present.length, list };
  }

  hasAny(room: string): boolean {
    return this.#rooms.has(room);
  }
}
