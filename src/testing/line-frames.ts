import type { HelloFrame } from "../protocol/frames.ts";
import { sessionIdOf } from "../protocol/session-id.ts";

/** The session that a connection asks for. */
export interface Claim {
  readonly session: string;
  readonly generation: number;
}

/** Which ends of a broken line see that it is. Default: both. */
export interface Seen {
  readonly client?: boolean;
  readonly server?: boolean;
}

/** Bytes of a frame from a client that has no payload. */
export const emptyFrameBytes = 6;

const listStart = '"members":[';

/** Bytes of the list of members in a frame; 0 where there is none. A list is a frame's last field. */
export function listBytesOf(text: string): number {
  if (!text.startsWith('{"type":"joined"') && !text.startsWith('{"type":"presence"')) return 0;
  const start = text.indexOf(listStart);
  return start < 0 ? 0 : text.length - 1 - (start + listStart.length - 1);
}

/** What a hello asks for; null for every other frame. */
export function readClaim(text: string): Claim | null {
  if (!text.startsWith('{"type":"hello"')) return null;
  const { secret, generation } = JSON.parse(text) as HelloFrame;
  return { session: sessionIdOf(secret), generation };
}
