/** Compiles only where both are the same type. */
export function same<A, B>(
  ..._proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]
): void {}

/** Compiles only where the machine can do all that its typed face promises. */
export function keeps<_Machine extends Face, Face>(): void {}
