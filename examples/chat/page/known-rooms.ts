/** The rooms this tab has heard of: after a reload they are there at once, and without a line too. */
import type { RoomInfo } from "../directory.ts";
import { tabKeep } from "./keep.ts";

const key = "bowline-chat.rooms";

export function loadRooms(): RoomInfo[] {
  const rooms = tabKeep.getJson(key);
  return Array.isArray(rooms) ? (rooms as RoomInfo[]) : [];
}

export function saveRooms(rooms: readonly RoomInfo[]): void {
  tabKeep.set(key, JSON.stringify(rooms));
}
