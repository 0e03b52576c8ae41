import { jsonSubprotocol } from "../protocol/frames.ts";
import { fineSabotages } from "./fine-sabotages.ts";
import { broker, callThrough, clock, newestFirst, received, transport } from "./sabotage-kit.ts";
import { wrapGate, wrapSocket, type Wraps } from "./wraps.ts";

/**
 * Faults in the product's own logic, each put around a seam, each a line or two. A simulation that does not notice one of
 * them checks nothing: the tests switch them on one by one.
 */
export const sabotages: Readonly<Record<string, Wraps>> = {
  ...fineSabotages,

  /** The broker stores what it was sent again once more. */
  "no-dedupe": broker((inner) => ({
    append: ({ room, data, bound }) => inner.append({ room, data, bound }),
    find: async () => null,
  })),

  /** One publish in twenty is not noted in the ledger. */
  "leaky-ledger": broker((inner, random) => ({
    append: ({ origin, ...request }) =>
      inner.append(origin && random.chance(0.05) ? request : { ...request, ...(origin && { origin }) }),
  })),

  /** The order of a session's publishes is not looked at. */
  "no-order": broker((inner) => ({
    append: async ({ origin, ...request }) => {
      const result = await inner.append({ ...request, ...(origin && { origin }) });
      return result.outcome === "out-of-order" ? inner.append(request) : result;
    },
  })),

  /** A publish is acknowledged before it is stored. */
  "ack-before-append": broker((inner) => {
    const heads = new Map<string, { offset: number; epoch: string }>();
    return {
      append: async (request) => {
        const known = heads.get(request.room);
        const stored = Promise.resolve(inner.append(request)).then((result) => {
          if ("position" in result) heads.set(request.room, { ...result.position });
          return result;
        });
        if (!known) return stored;
        stored.catch(() => {});
        const position = { epoch: known.epoch, offset: known.offset + 1 };
        known.offset += 1;
        return { outcome: "stored", position };
      },
    };
  }),

  /** A log that was lost goes on under the name that it had. */
  "hidden-loss": broker((inner) => {
    const names = new Map<string, string>();
    const named = (room: string, epoch: string): string => {
      const name = names.get(room) ?? epoch;
      names.set(room, name);
      return name;
    };
    return {
      read: async (room, after, limit) => {
        const page = await inner.read(room, after, limit);
        return { ...page, epoch: named(room, page.epoch) };
      },
      subscribe: async (room, bound) => {
        const state = await inner.subscribe(room, bound);
        return { ...state, epoch: named(room, state.epoch) };
      },
    };
  }),

  /** Live entries come with the offset of the one after. */
  "offset-off-by-one": broker((inner) => ({
    start: (sink, node) =>
      inner.start(
        {
          ...callThrough(sink),
          receiveEntry: (room, epoch, { offset, data }) =>
            sink.receiveEntry(room, epoch, { offset: offset + 1, data }),
        },
        node,
      ),
  })),

  /** A page of the log begins one entry too late. */
  "page-off-by-one": broker((inner) => ({
    read: async (room, after, limit) => {
      const page = await inner.read(room, after, limit);
      return {
        ...page,
        entries: page.entries.slice(1).map(({ data }, index) => ({ offset: after + 1 + index, data })),
      };
    },
  })),

  /** A subscription says that there is less in the log than there is. */
  "stale-head": broker((inner) => ({
    subscribe: async (room, bound) => {
      const state = await inner.subscribe(room, bound);
      return { ...state, head: Math.max(0, state.head - 1) };
    },
  })),

  /** The bound of a room's history is forgotten. */
  "no-trim": broker((inner) => ({
    append: (request) =>
      inner.append({ ...request, bound: { count: Infinity, ageMs: Infinity, bytes: Infinity } }),
    subscribe: (room) => inner.subscribe(room, { count: Infinity, ageMs: Infinity, bytes: Infinity }),
  })),

  /** A trimmed log passes for a whole one. */
  "hidden-trim": broker((inner) => ({
    read: async (room, after, limit) => {
      const page = await inner.read(room, after, limit);
      const entries = after < page.base ? (await inner.read(room, page.base, limit)).entries : page.entries;
      return {
        ...page,
        base: 0,
        entries: entries.map(({ data }, index) => ({ offset: after + 1 + index, data })),
      };
    },
  })),

  /** Every claim of a request is granted. */
  "claim-always": broker(() => ({ claimRequest: async () => ({ outcome: "claimed" }) })),

  /** Answers are kept under the wrong ref. */
  "swapped-answers": broker((inner) => ({
    answerRequest: ({ session, ref }, answer) =>
      inner.answerRequest({ session, ref }, answer.replace(/"n":\d+/, '"n":0')),
  })),

  /** A member that is gone stays on the list. */
  "no-exit": broker(() => ({ exit: async () => {} })),

  /** The end of an old connection takes away the member that the new one has made. */
  "exit-any": broker((inner) => ({ exit: (room, session) => inner.exit(room, session, Infinity) })),

  /** A node does not say that it has left a room. */
  "no-unsubscribe": broker(() => ({ unsubscribe: async () => {} })),

  /** A node is not told that another connection has taken a session over. */
  "no-fence": broker((inner) => ({
    start: (sink, node) => inner.start({ ...callThrough(sink), receiveOpened: () => {} }, node),
  })),

  /** Sessions are not renewed while they are connected. */
  "no-renewal": broker(() => ({ renewSessions: () => {} })),

  /** A node never looks at its timers again: silence is never noticed. */
  "dead-node-timers": clock("node"),

  /** Nor does a client. */
  "dead-client-timers": clock("client"),

  /** A client sends what is pending in another order than it was made in. */
  "shuffled-outbox": transport((random) => {
    let held: string | null = null;
    return (send) => (text) => {
      if (!text.startsWith('{"type":"publish"') || (!held && random.chance(0.7))) return send(text);
      if (held) send(text);
      if (held) send(held);
      held = held ? null : text;
    };
  }),

  /** A client numbers its connection attempts from the beginning after each reload. */
  "forgotten-generation": {
    store: (store) => {
      const { initial } = store;
      const session = initial && { ...initial.session, generation: 0 };
      return {
        initial: initial && session && { ...initial, session },
        save: (changes) => store.save(changes),
      };
    },
  },

  /** A store loses three publishes in ten. */
  "leaky-store": {
    store: (store, random) => ({
      initial: store.initial,
      save: (changes) => store.save(changes.filter(({ type }) => type !== "put" || !random.chance(0.3))),
    }),
  },

  /** Leaving is forgotten on the way. */
  "lost-leave": transport(() => (send) => (text) => {
    if (!text.startsWith('{"type":"leave"')) send(text);
  }),

  /** Gaps are not told of. */
  "lost-gap": received((text) => !text.startsWith('{"type":"gap"')),

  /** The gate lets everybody in. */
  "open-gate": {
    gate: (gate) =>
      wrapGate(gate, {
        admit: async (request, options) => {
          const admission = await gate.admit(request, options);
          return admission.ok || admission.status !== 401
            ? admission
            : {
                ok: true,
                user: { id: "nobody" },
                userId: "nobody",
                expiresAt: null,
                subprotocol: jsonSubprotocol,
              };
        },
      }),
  },

  /** A full socket passes for an empty one. */
  "blind-to-slowness": {
    gate: (gate) =>
      wrapGate(gate, {
        open: (socket, admitted) => gate.open(wrapSocket(socket, { bufferedBytes: () => 0 }), admitted),
      }),
  },

  /** What was published last is released before the backlog. */
  "live-before-backlog": {
    gate: (gate) =>
      wrapGate(gate, {
        open: (socket, admitted) =>
          gate.open(wrapSocket(socket, { send: (batch) => socket.send(newestFirst(batch)) }), admitted),
      }),
  },
};
