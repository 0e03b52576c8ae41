/**
 * Finds a short list of steps that still fails: leaves out larger and smaller parts as long as what is left fails too.
 * Gives up after so many attempts and so long, with the shortest it has.
 */
export async function shrink<T>(
  steps: readonly T[],
  fails: (steps: readonly T[]) => Promise<boolean>,
  { attemptsMax = 60, limitMs = 60_000 } = {},
): Promise<readonly T[]> {
  const endMs = performance.now() + limitMs;
  let shortest = steps;
  let attempts = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (
      let start = shortest.length - size;
      start > -size && attempts < attemptsMax && performance.now() < endMs;
      start -= size
    ) {
      const left = [...shortest.slice(0, Math.max(0, start)), ...shortest.slice(start + size)];
      if (left.length === shortest.length || left.length === 0) continue;
      attempts += 1;
      if (await fails(left)) shortest = left;
    }
  }
  return shortest;
}
