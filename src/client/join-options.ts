import { checkOptions } from "../base/options.ts";
import type { Position } from "../protocol/frames.ts";

/** What joining a room takes besides its name. */
export interface JoinOptions<PresenceState = unknown> {
  /** How many of the last publications to get first. Default 0: only what comes from now on. */
  readonly history?: number;
  /** Where to read on, if this was read before: the `position` of the last message handled. */
  readonly position?: Position;
  /** This member's presence state. Without one it reads the room, and sees who is there, but is no member. */
  readonly presence?: PresenceState;
}

/** Throws a `TypeError` on options that are none. */
export function checkJoinOptions(options: JoinOptions): void {
  checkOptions("join", options, { history: 0, position: 0, presence: 0 });
  const { history = 0, position } = options;
  if (!isCount(history)) throw new TypeError(`history must be a whole number from 0, not ${history}`);
  if (position && !(isCount(position.offset) && typeof position.epoch === "string"))
    throw new TypeError("position must be that of a room or message");
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
