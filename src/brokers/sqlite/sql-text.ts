/** Begins a text that is kept as JSON. */
const mark = "\u001A";

/**
 * A text as it is kept. SQLite's texts end at a zero character and hold no half of a surrogate pair, which names of rooms
 * may have: two such rooms would become one.
 */
export function toSql(text: string): string {
  const isPlain = text.isWellFormed() && !text.includes("\0") && !text.startsWith(mark);
  return isPlain ? text : mark + JSON.stringify(text);
}

/** The text that {@link toSql} made this of. */
export function fromSql(kept: string): string {
  return kept.startsWith(mark) ? (JSON.parse(kept.slice(mark.length)) as string) : kept;
}
