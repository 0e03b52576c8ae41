import type { Broker, LogState } from "../server/broker.ts";
import type { History } from "./history.ts";
import { wrapBroker } from "./wraps.ts";

/** What a {@link witness} is told. */
export interface WitnessOptions {
  /** Whether it notes appends: where nothing beneath it does. */
  readonly appends: boolean;
  /** How many publications a room keeps. */
  readonly historyCount: (room: string) => number;
  /** Told of each session that is opened. */
  readonly opened: (session: string, generation: number) => void;
}

/** Notes what a broker really did, beneath anything that may be put around it. */
export function witness(
  broker: Broker,
  node: string,
  history: History,
  { appends, historyCount, opened }: WitnessOptions,
): Broker {
  const epochs = new Map<string, string>();
  const noteLength = (room: string, { base, head }: LogState): void => {
    const bound = historyCount(room);
    if (head - base > bound)
      history.add({ type: "measured", what: `the log of ${room}`, value: head - base, bound });
  };
  return wrapBroker(broker, {
    append: async (request) => {
      const { room, data } = request;
      const result = await broker.append(request);
      if (appends && result.outcome === "stored")
        history.add({ type: "appended", room, position: result.position, data });
      return result;
    },
    read: async (room, after, limit) => {
      const page = await broker.read(room, after, limit);
      noteLength(room, page);
      return page;
    },
    subscribe: async (room, bound) => {
      const state = await broker.subscribe(room, bound);
      noteLength(room, state);
      return state;
    },
    openSession: async (claim) => {
      const { session, generation } = claim;
      const opening = await broker.openSession(claim);
      if (opening.outcome !== "opened") return opening;
      history.add({ type: "opened", node, session, generation });
      opened(session, generation);
      const former = epochs.get(session);
      epochs.set(session, opening.ledger);
      if (former !== undefined && former !== opening.ledger) history.add({ type: "ledgers-lost", session });
      return opening;
    },
  });
}
