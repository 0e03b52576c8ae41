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
