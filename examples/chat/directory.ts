/** Which rooms there are. */

export interface RoomInfo {
  readonly slug: string;
  readonly title: string;
  readonly topic: string;
}

/** Rooms that are there from the start. */
export const firstRooms: readonly RoomInfo[] = [
  { slug: "lobby", title: "Lobby", topic: "Say hello, and see who is around" },
  { slug: "harbour", title: "Harbour", topic: "Comings, goings and the weather" },
  { slug: "workshop", title: "Workshop", topic: "What you are building, and what broke" },
  { slug: "galley", title: "Galley", topic: "Food, coffee and everything off the record" },
];

/** What a title is called in room names; empty when nothing of it can stand there. */
export function slugOf(title: string): string {
  return title
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
}
