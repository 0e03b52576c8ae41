/** How far each room was read, kept from visit to visit. */
import type { Position } from "bowline";
import { browserKeep } from "./keep.ts";

export function loadMarks(me: string): Map<string, Position> {
  const marks = browserKeep.getJson(keyOf(me));
  return new Map(Array.isArray(marks) ? (marks as [string, Position][]) : []);
}

export function saveMarks(me: string, marks: ReadonlyMap<string, Position>): void {
  browserKeep.set(keyOf(me), JSON.stringify([...marks]));
}

function keyOf(me: string): string {
  return `bowline-chat.read.${me}`;
}
