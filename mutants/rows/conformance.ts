import type { Mutant } from "../mutant.ts";

/** The whole suite, on the server with everything in memory. */
const suite = { tests: "test/conformance/server.test.ts", only: "in memory" } as const;

/** Faults that the conformance suite notices: they are what a port to another language may get wrong. */
export const conformanceMutants: readonly Mutant[] = [
  {
    id: "conformance-ledger",
    file: "src/server/memory-broker.ts",
    from: '      if (position) return { outcome: "repeated", position };',
    to: "",
    ...suite,
    why: "a publish that is sent again is stored twice",
  },
  {
    id: "conformance-out-of-order",
    file: "src/server/memory-broker.ts",
    from: '      if (ledger.isOvertaken(name, origin.ref)) return { outcome: "out-of-order" };',
    to: "",
    ...suite,
    why: "an older publish is stored behind a newer one of its sender",
  },
  {
    id: "conformance-generation",
    file: "src/server/memory-sessions.ts",
    from: '    if (generation <= record.generation) return { outcome: "stale" };',
    to: '    if (generation < record.generation) return { outcome: "stale" };',
    ...suite,
    why: "an attempt that arrives twice closes the connection of the first",
  },
  {
    id: "conformance-user",
    file: "src/server/memory-sessions.ts",
    from: '    if (record.user !== user) return { outcome: "mismatch" };',
    to: "",
    ...suite,
    why: "a user goes on with the session of another one",
  },
  {
    id: "conformance-idempotent",
    file: "src/server/requests.ts",
    from: "    if (!call.definition.idempotent) return this.#runOnce(call);",
    to: "    return this.#runOnce(call);",
    ...suite,
    why: "a request that may run again is answered from the ledger",
  },
  {
    id: "conformance-ref",
    file: "src/server/router.ts",
    from: "    if (ref <= connection.ref)",
    to: "    if (ref < connection.ref)",
    ...suite,
    why: "a client that numbers its calls wrongly is not told",
  },
  {
    id: "conformance-not-joined",
    file: "src/server/signals.ts",
    from: '      if (!connection.readerOf(room)) throw tableError("NOT_JOINED");',
    to: "",
    ...suite,
    why: "signals come from people who were never let into the room",
  },
  {
    id: "conformance-gap",
    file: "src/server/reader.ts",
    from: "    if (gap) this.#sendGap(gap);",
    to: "",
    ...suite,
    why: "a client that missed something is not told",
  },
  {
    id: "conformance-gone",
    file: "src/server/presence.ts",
    from: "    if (isForGood(closeCode)) {",
    to: "    if (closeCode === -1) {",
    ...suite,
    why: "a member who closed the page stays in the list for the grace time",
  },
  {
    id: "conformance-check-order",
    file: "src/server/gate.ts",
    from: "    if (refusedOrigin) return refusedOrigin;",
    to: "",
    ...suite,
    why: "pages of other sites connect with the cookies of a user",
  },
  {
    id: "conformance-drain-code",
    file: "src/server/drain.ts",
    from: 'connection.close("RESTART")',
    to: 'connection.close("KICKED")',
    ...suite,
    why: "clients of a server that restarts stop for good",
  },
  {
    id: "conformance-heartbeat",
    file: "src/server/connection.ts",
    from: 'if (quietMs >= 2 * heartbeatMs && this.#hadTimeToAnswer(elapsedMs)) return this.close("HEARTBEAT_LOST");',
    to: "",
    ...suite,
    why: "dead connections stay for ever",
  },
];
