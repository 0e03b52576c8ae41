/** Something that must not happen, and did. */
export interface Violation {
  /** The rule that was broken. */
  readonly checker: string;
  readonly message: string;
  readonly atMs: number;
}
