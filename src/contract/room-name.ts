import { fits } from "../base/utf8.ts";
import { roomNameBytesMax } from "../protocol/frames.ts";

/** Longest value a room parameter may have, in bytes of UTF-8. */
export const roomParamBytesMax = 128;

/** The parameters of a pattern: `Params<"chat/:room">` is `{ room: string }`. */
export type Params<Pattern extends string> = string extends Pattern
  ? Record<string, string>
  : { readonly [Name in ParamNames<Pattern>]: string };

type ParamNames<Pattern extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? ParamNames<Head> | ParamNames<Rest>
  : Pattern extends `:${infer Name}`
    ? Name
    : never;

/** The names a pattern fits: `RoomName<"chat/:room">` is `` `chat/${string}` ``. */
export type RoomName<Pattern extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? `${RoomName<Head>}/${RoomName<Rest>}`
  : Pattern extends `:${string}`
    ? string
    : Pattern;

/**
 * Which of `Patterns` a name belongs to; `never` if none. Where several fit, the one with the earlier literal segment,
 * as at run time. A name that is known only in part, such as `` `chat/${string}` ``, belongs to the pattern that fits it
 * whatever the rest is; the names of a union belong each to its own.
 */
export type PatternOf<Patterns extends string, Name extends string> = string extends Patterns
  ? Patterns
  : Name extends string
    ? Foremost<Fitting<Patterns, Name>>
    : never;

type Fitting<Patterns extends string, Name extends string> = Patterns extends string
  ? Fits<Patterns, Name> extends true
    ? Patterns
    : never
  : never;

/** The first of patterns that fit one name. No two rank the same: they would fit exactly the same names. */
type Foremost<Patterns extends string> = Extract<
  Patterns,
  First<{ [Pattern in Patterns as Rank<Pattern>]: Pattern }>
>;

/** The first of patterns by rank, found digit by digit. */
type First<Ranked, Digits extends string = ""> = [keyof Ranked] extends [never]
  ? never
  : Digits extends keyof Ranked
    ? Ranked[Digits]
    : First<
        Ranked,
        [Extract<keyof Ranked, `${Digits}0${string}`>] extends [never] ? `${Digits}1` : `${Digits}0`
      >;

/** What `rank` below gives: 0 for each literal segment, 1 for each parameter. */
type Rank<Pattern extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? `${Rank<Head>}${Rank<Rest>}`
  : Pattern extends `:${string}`
    ? "1"
    : "0";

type Fits<Pattern extends string, Name extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? Name extends `${infer NameHead}/${infer NameRest}`
    ? FitsSegment<Head, NameHead> extends true
      ? Fits<Rest, NameRest>
      : false
    : false
  : Name extends `${string}/${string}`
    ? false
    : FitsSegment<Pattern, Name>;

type FitsSegment<Segment extends string, Value extends string> = Segment extends `:${string}`
  ? Value extends ""
    ? false
    : true
  : Value extends Segment
    ? true
    : false;

/** A room name that was recognised. */
export interface RoomMatch<Definition> {
  readonly pattern: string;
  readonly params: Readonly<Record<string, string>>;
  readonly definition: Definition;
}

interface CompiledPattern<Definition> {
  readonly pattern: string;
  readonly segments: readonly string[];
  readonly definition: Definition;
}

const segmentPattern = /^:?[A-Za-z0-9_.~-]+$/;
// No slash (it separates), no control characters, and nothing that ends a line or makes a text look like another one:
// line and paragraph separators, bidirectional controls, the byte order mark. Nor a lone surrogate, which would not
// survive UTF-8.
// oxlint-disable-next-line no-control-regex
const paramPattern = /^[^\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069/\ufeff]+$/;

/** Finds the pattern a room name belongs to. Where two fit, the one with the earlier literal segment wins. */
export class RoomMatcher<Definition> {
  readonly #patterns: readonly CompiledPattern<Definition>[];

  /** Throws a `TypeError` on a pattern that is malformed, or that fits exactly the same names as another. */
  constructor(rooms: Readonly<Record<string, Definition>>) {
    const seen = new Map<string, string>();
    this.#patterns = Object.entries(rooms)
      .map(([pattern, definition]) => {
        const segments = pattern.split("/");
        checkPattern(pattern, segments);
        const shape = segments.map((segment) => (segment.startsWith(":") ? ":" : segment)).join("/");
        const twin = seen.get(shape);
        if (twin !== undefined)
          throw new TypeError(`room patterns "${twin}" and "${pattern}" fit the same names`);
        seen.set(shape, pattern);
        return { pattern, segments, definition };
      })
      .toSorted((a, b) => rank(a.segments).localeCompare(rank(b.segments)));
  }

  match(name: string): RoomMatch<Definition> | null {
    const values = fits(name, roomNameBytesMax) ? name.split("/") : [];
    for (const { pattern, segments, definition } of this.#patterns) {
      const params = segments.length === values.length ? readParams(segments, values) : null;
      if (params) return { pattern, params, definition };
    }
    return null;
  }
}

function readParams(segments: readonly string[], values: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = values[index] as string;
    if (!segment.startsWith(":")) {
      if (segment !== value) return null;
    } else if (fits(value, roomParamBytesMax) && paramPattern.test(value) && value.isWellFormed()) {
      params[segment.slice(1)] = value;
    } else {
      return null;
    }
  }
  return params;
}

function checkPattern(pattern: string, segments: readonly string[]): void {
  const names = segments.filter((segment) => segment.startsWith(":"));
  const problem = segments.some((segment) => !segmentPattern.test(segment))
    ? "each segment must be a word of A-Z a-z 0-9 _ . ~ - or :name"
    : new Set(names).size < names.length
      ? "a parameter name may stand in it only once"
      : names.includes(":__proto__")
        ? "__proto__ is no parameter name"
        : null;
  if (problem) throw new TypeError(`room pattern "${pattern}" is malformed: ${problem}`);
}

/** Sorts literal segments before parameters, earlier segments first. */
function rank(segments: readonly string[]): string {
  return segments.map((segment) => (segment.startsWith(":") ? "1" : "0")).join("");
}
