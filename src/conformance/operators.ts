/**
 * What an object whose key starts with `$` may be: patterns of what is expected, and makers of what is sent. Behind each
 * stands the one field that may accompany it.
 */
export const knownOperators: Readonly<Record<string, string | undefined>> = {
  $is: undefined,
  $oneOf: undefined,
  $not: undefined,
  $gt: undefined,
  $gte: undefined,
  $lt: undefined,
  $lte: undefined,
  $includes: undefined,
  $length: undefined,
  $has: undefined,
  $anyOrder: undefined,
  $only: undefined,
  $each: undefined,
  $last: undefined,
  $inOrder: undefined,
  $rising: undefined,
  $distinct: undefined,
  $text: "of",
  $nest: undefined,
};
