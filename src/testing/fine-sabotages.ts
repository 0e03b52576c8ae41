import { emptyFrameBytes } from "./line-frames.ts";
import { broker } from "./sabotage-kit.ts";
import { wrapGate, wrapListener, wrapSocket, type Wraps } from "./wraps.ts";

/** Slips of a kind that is easily made: something that is not looked at, and that shows only where somebody means harm. */
export const fineSabotages: Readonly<Record<string, Wraps>> = {
  /** A store that comes back without its end passes for the one that it was. */
  "blind-trust": { vouches: () => true },

  /** A store that comes back whole passes for another one. */
  "no-trust": { vouches: () => false },

  /** Whoever has a session's secret may open it, whose ever it is. */
  "any-owner": broker((inner) => {
    const owners = new Map<string, string>();
    return {
      openSession: (claim) => {
        const { session, user } = claim;
        if (!owners.has(session)) owners.set(session, user);
        return inner.openSession({ ...claim, user: owners.get(session) ?? user });
      },
    };
  }),

  /** Frames without a payload count for nothing. */
  "uncounted-frames": {
    gate: (gate) =>
      wrapGate(gate, {
        open: (socket, admitted) => {
          const inner = gate.open(socket, admitted);
          return wrapListener(inner, {
            receiveBytes: (bytes, frames, message) =>
              inner.receiveBytes(bytes, bytes > frames * emptyFrameBytes ? frames : 0, message),
          });
        },
      }),
  },

  /** Whoever sends too fast is read all the same. */
  "no-pause": {
    gate: (gate) =>
      wrapGate(gate, {
        open: (socket, admitted) => gate.open(wrapSocket(socket, { pause: () => {} }), admitted),
      }),
  },

  /** It is not looked at whether a token has run out. */
  "endless-tokens": {
    gate: (gate) =>
      wrapGate(gate, { open: (socket, admitted) => gate.open(socket, { ...admitted, expiresAt: null }) }),
  },

  /** The bytes of a list of members are not counted. */
  "uncounted-members": { limits: { presenceBytes: Infinity } },

  /** Nor are the members of one. */
  "endless-members": { limits: { presenceMembers: Infinity } },
};
