/** Deepest nesting of arrays and objects in a frame, whose object is level 1. Deeper ones parse, but overflow the stack of what handles them. */
export const depthMax = 200;

/**
 * What is wrong with a value that was parsed from JSON, whatever its fields mean; null where nothing is. Frames are
 * I-JSON (RFC 7493), so that each language reads the same: no lone surrogates, no numbers beyond doubles. `level` is the
 * value's own in its frame, `text` what it was parsed from.
 */
export function shapeFlaw(value: object, level: number, text: string): string | null {
  // Parsed from UTF-8, a lone surrogate or a hidden name can only come from an escape sequence.
  return flawOf(value, depthMax - level, text.includes("\\u"));
}

function flawOf(value: object, levelsBelow: number, hasEscapes: boolean): string | null {
  if (levelsBelow < 0) return `nested deeper than ${depthMax} levels`;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      const flaw = itemFlaw(item, levelsBelow, hasEscapes);
      if (flaw) return flaw;
    }
    return null;
  }
  for (const name in value) {
    // JSON.parse makes it an own property, harmless until some handler merges the payload into an object of its own.
    if (name === "__proto__") return "the key __proto__ is not allowed";
    if (hasEscapes && !name.isWellFormed()) return "a name has a lone surrogate";
    const flaw = itemFlaw((value as Record<string, unknown>)[name], levelsBelow, hasEscapes);
    if (flaw) return flaw;
  }
  return null;
}

function itemFlaw(item: unknown, levelsBelow: number, hasEscapes: boolean): string | null {
  if (typeof item === "object") return item && flawOf(item, levelsBelow - 1, hasEscapes);
  if (typeof item === "number")
    return Number.isFinite(item) ? null : "a number is beyond the range of doubles";
  return hasEscapes && typeof item === "string" && !item.isWellFormed()
    ? "a string has a lone surrogate"
    : null;
}
