import { depthMax } from "./shape.ts";

/** Levels that a payload may have: those of a frame, but for its object. */
const payloadLevelsMax: number = depthMax - 1;
/** Levels that a presence state may have, which comes to stand further down in a hello and in a list of members. */
export const stateLevelsMax: number = depthMax - 3;

/**
 * A payload as JSON, as `JSON.stringify` has it: NaN and Infinity are null, and so is `undefined`; what has a `toJSON` is
 * what that gives. Throws a `TypeError` on what JSON has no way to write (a function, a symbol, a BigInt, a cycle) and on
 * more levels than a frame may have, a `RangeError` on thousands of them, and what a getter or `toJSON` throws.
 */
export function toJson(payload: unknown, levelsMax: number = payloadLevelsMax): string {
  const json = JSON.stringify(payload ?? null) as string | undefined;
  if (json === undefined) throw new TypeError(`JSON can't hold a ${typeof payload}`);
  // Each level takes two characters at least, so short ones need no look.
  if (json.length > 2 * levelsMax && isDeeper(payload, levelsMax))
    throw new TypeError(`deeper than ${levelsMax} levels`);
  return json;
}

/** Looped rather than mapped: every large payload comes through here. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || !value || "toJSON" in value) return false;
  if (!levels) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, levels - 1));
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], levels - 1)) return true;
  return false;
}

/** A frame whose payload is JSON already. */
export function withPayload(head: object, json: string): string {
  return `${JSON.stringify(head).slice(0, -1)},"payload":${json}}`;
}
