import { FakeClock } from "./fake-clock.ts";
import { journal } from "../../src/client/journal.ts";
import { type OutboxEntry, type Outcome } from "../../src/client/outbox-entry.ts";
import type { OutboxLimits } from "../../src/client/client-types.ts";
import { Outbox, type Opening } from "../../src/client/outbox.ts";
import { Session } from "../../src/client/session.ts";
import type { Store, StoreChange } from "../../src/client/store.ts";
import type { BowlineError } from "../../src/protocol/errors.ts";
import { FakeRandom } from "./fake-clock.ts";

export const message = { type: "publish", room: "r", event: "message" } as const;
export const ask = { type: "request", request: "ask", idempotent: false } as const;
export const askAgain = { ...ask, idempotent: true } as const;
export const welcome: Opening = {
  window: 256,
  payloadBytes: 65_536,
  lost: false,
  owns: () => true,
};

interface Sent {
  readonly type: string;
  readonly ref: number;
  readonly payload: unknown;
  readonly retry?: boolean;
}

/** An outbox over a connection and a store that the test has in its hand. */
export function outboxBench({
  limits = {},
  store: given,
}: { limits?: Partial<OutboxLimits>; store?: Store } = {}) {
  const changes: StoreChange[] = [];
  const store = given ?? {
    initial: null,
    save: (saved: readonly StoreChange[]) => void changes.push(...saved),
  };
  const sent: Sent[] = [];
  const reported: unknown[] = [];
  const fates: string[] = [];
  const later: (() => void)[] = [];
  /** What whoever follows the fates does about one. */
  const reaction = { on: (_fate: string): void => {} };
  const session = new Session(store.initial?.session ?? null, {
    random: new FakeRandom(),
    whose: () => null,
    calls: { disown: () => {} },
  });
  let isOpen = false;
  const outbox = new Outbox(
    {
      save: journal(store, new FakeClock(), session),
      identity: session,
      takesCalls: () => isOpen,
      send: (text) => sent.push(JSON.parse(text) as Sent),
      changed: ({ ref, sent: wasSent }, outcome) => {
        const end = outcome && ("error" in outcome ? outcome.error.code : "settled");
        const fate = `${ref} ${end ?? (wasSent ? "sent" : "queued")}`;
        fates.push(fate);
        reaction.on(fate);
      },
      report: (error) => reported.push(error),
      clock: {
        now: () => 0,
        elapsed: () => 0,
        defer: () => {},
        setTimer: (_delayMs, task) => {
          later.push(task);
          return () => {};
        },
      },
    },
    { count: 1000, length: 100_000, ...limits },
    store.initial?.publishes,
  );
  const runLater = (): void => {
    for (const task of later.splice(0)) task();
  };
  const outcomes: [number, Outcome][] = [];
  const add = (call: OutboxEntry["call"] = message, payload: unknown = 0): OutboxEntry => {
    const entry: OutboxEntry = outbox.add(call, payload, (outcome) => outcomes.push([entry.ref, outcome]));
    return entry;
  };
  const open = (opening: Partial<Opening> = {}): void => {
    outbox.opened({ ...welcome, ...opening });
    isOpen = true;
    outbox.pump();
  };
  const drop = (): void => void (isOpen = false);
  const refs = (): number[] => sent.map(({ ref }) => ref);
  const codes = (): unknown[] =>
    outcomes.map(([ref, outcome]) => [ref, "error" in outcome ? outcome.error.code : "settled"]);
  return {
    outbox,
    add,
    open,
    drop,
    sent,
    refs,
    outcomes,
    codes,
    changes,
    reported,
    fates,
    reaction,
    session,
    runLater,
  };
}

export const ack = (offset: number): Outcome => ({ position: { offset, epoch: "e" } });
export const codeOf = (task: () => unknown): string | undefined => {
  try {
    task();
  } catch (error) {
    return (error as BowlineError).code;
  }
  return undefined;
};
