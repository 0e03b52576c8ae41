/** Longest text in a line or a field, and how much of a longer one is looked at. */
export const textLengthMax = 500;
const lookedAtMax = 10_000;
const stackLengthMax = 4000;
/** How many errors deep the causes of one are told. */
const causesMax = 4;
/** Strings and numbers of a payload that are looked for in a text about it; where there are more, the text is left out. */
const valuesMax = 500;

/** What would end a line, move a terminal's cursor or turn the direction of writing. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Name and password of a URL, and its query. */
const urlSecrets = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'`]{1,2000}@/gi;
const urlQuery = /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'`?#]{0,2000})\?[^\s"'`]{1,2000}/gi;

/** A text as it may stand in a line: without what only a URL's owner may know, on one line, and not too long. */
export function shown(text: string, lengthMax: number = textLengthMax): string {
  const open = withoutSecrets(text.slice(0, lookedAtMax));
  const cut = open.length > lengthMax ? `${open.slice(0, lengthMax)}…` : open;
  return cut.replace(controls, escaped);
}

/** A name that somebody else chose, in quotes. */
export function quoted(name: string): string {
  return `"${shown(name)}"`;
}

/** A text in which none of these values stands, as schemas and handlers put them into what they say. */
export function without(text: string, values: readonly string[]): string {
  let rest = text;
  // The longest first: a part of it may be a value, too.
  for (const value of values.toSorted((a, b) => b.length - a.length)) {
    if (value.length >= shortLength) rest = rest.replaceAll(value, "…");
    else if (value) rest = rest.replace(alone(value), "…");
    const written = JSON.stringify(value).slice(1, -1);
    if (written !== value) rest = rest.replaceAll(written, "…");
  }
  return rest;
}

/** Strings and numbers in a payload, as text; null where they are too many to be looked for, or one can't be read. */
export function valuesOf(payload: unknown): string[] | null {
  try {
    return valuesIn(payload);
  } catch {
    return null;
  }
}

function valuesIn(payload: unknown): string[] | null {
  const values = new Set<string>();
  const open: unknown[] = [payload];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "string") values.add(value).add(value.trim());
    else if (typeof value === "number") values.add(String(value));
    else if (typeof value === "object" && value !== null) {
      const inner: unknown[] = Object.values(value);
      if (inner.length + open.length + values.size > valuesMax) return null;
      open.push(...inner);
    }
  }
  return [...values];
}

/** What an error says for a line: enough to find it, and nothing that clients of a broker hang on it, such as commands. */
export interface ShownError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ShownError;
}

/** What was thrown may be anything, and even to look at it may throw. */
export function shownError(error: unknown): ShownError {
  try {
    return errorAt(error, 1);
  } catch {
    return { type: typeof error, message: "what was thrown can't be shown" };
  }
}

/** `TypeError: no such row`, with the code where there is no message. */
export function headOf({ type, message, code }: ShownError): string {
  return `${type}: ${message || (code ?? "")}`;
}

function errorAt(thrown: unknown, depth: number): ShownError {
  // Of any realm.
  if (typeof thrown !== "object" || thrown === null || !("message" in thrown))
    return { type: typeof thrown, message: shown(String(thrown)) };
  const error = thrown as Error & { readonly code?: unknown; readonly errors?: unknown };
  const { name, message, code, cause, errors } = error;
  const deeper: unknown = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  return {
    type: shown(String(name)),
    message: shown(String(message)),
    ...(typeof code === "string" && { code: shown(code) }),
    stack: shownStack(error),
    ...(deeper !== undefined && depth < causesMax && { cause: errorAt(deeper, depth + 1) }),
  };
}

const shortLength = 4;

/** A short value is looked for as a word: as a part of others it would be everywhere. */
function alone(value: string): RegExp {
  return new RegExp(
    `(?<![\\p{L}\\p{N}])${value.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}(?![\\p{L}\\p{N}])`,
    "gu",
  );
}

function withoutSecrets(text: string): string {
  return text.includes("://") ? text.replace(urlSecrets, "$1").replace(urlQuery, "$1") : text;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The places alone: what stands before them is the message again, with line breaks that somebody else may have chosen. */
function shownStack({ stack, name, message }: Error): string {
  const text = typeof stack === "string" ? stack : "";
  const head = message ? `${name}: ${message}` : name;
  const places = text.startsWith(head) ? text.slice(head.length) : text;
  const lines = withoutSecrets(places.slice(0, stackLengthMax)).split("\n");
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => line.replace(controls, escaped))
    .join("\n");
}
