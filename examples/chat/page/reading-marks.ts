/** How far each room was read, kept from visit to visit. */
import type { Position } from "bowline";

export function loadMarks(me: string): Map<string, Position> {
  try {
    return new Map(JSON.parse(localStorage.getItem(keyOf(me)) ?? "[]") as [string, Position][]);
  } catch {
    return new Map();
  }
}

export function saveMarks(me: string, marks: ReadonlyMap<string, Position>): void {
  localStorage.setItem(keyOf(me), JSON.stringify([...marks]));
}

function keyOf(me: string): string {
  return `bowline-chat.read.${me}`;
}
