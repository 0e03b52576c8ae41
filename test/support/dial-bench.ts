import type { TokenSource } from "../../src/client/client-types.ts";
import { Connection } from "../../src/client/connection.ts";
import type { Refusal, TransportListener } from "../../src/client/socket.ts";
import type { Status } from "../../src/client/status.ts";
import { FakeClock, FakeRandom } from "./fake-clock.ts";

export const heartbeatMs = 30_000;
export const welcome = {
  type: "welcome",
  session: "s",
  user: "ada",
  ledger: "e",
  ref: 0,
  heartbeatMs,
  payloadBytes: 65_536,
  window: 256,
};

/** One attempt, and what the other end can do to it. */
class Dial {
  readonly token: string | null;
  readonly sent: unknown[] = [];
  closed: number | null = null;
  readonly listener: TransportListener;

  constructor(token: string | null, listener: TransportListener) {
    this.token = token;
    this.listener = listener;
  }

  receive(frame: object): void {
    this.listener.received(JSON.stringify(frame));
  }
}

/** A client's connection over a network that the test has in its hand. */
export function dialBench({
  token = () => null,
  hello = () => "hello",
}: { token?: TokenSource; hello?: () => string | Promise<string> } = {}) {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const dials: Dial[] = [];
  const wakes = new Set<() => void>();
  const log: string[] = [];
  const reported: unknown[] = [];
  const net = {
    refusal: null as Refusal | null,
    asked: 0,
    answerAsk: null as (() => void) | null,
    holdAsk: false,
    awaitsAnswers: false,
    /** What the client does about a frame. */
    receiving: () => {},
  };
  const connection = new Connection({
    url: "ws://test",
    tokenSource: token,
    clock,
    random,
    transport: {
      open: (_url, given, listener) => {
        const dial = new Dial(given, listener);
        dials.push(dial);
        return { send: (text) => dial.sent.push(text), close: (code) => void (dial.closed = code) };
      },
      ask: async () => {
        net.asked += 1;
        if (net.holdAsk) await new Promise<void>((resolve) => (net.answerAsk = resolve));
        return net.refusal;
      },
      onWake: (task) => {
        wakes.add(task);
        return () => wakes.delete(task);
      },
    },
    hello,
    identity: { nextRef: 1, hasNewToken: () => {}, leave: () => log.push("disowned") },
    calls: {
      get awaitsAnswers() {
        return net.awaitsAnswers;
      },
    },
    welcomed: () => {
      log.push(`welcomed while ${connection.status.state}`);
      return true;
    },
    opened: () => log.push(`opened while ${connection.status.state}`),
    received: ({ type }) => {
      log.push(`received ${type}`);
      net.receiving();
    },
    lost: () => log.push("lost"),
    ended: (error) => log.push(`ended ${error?.code ?? "on purpose"}`),
    log: false,
    report: (error) => reported.push(error),
  });
  connection.statuses.on(({ state }) => log.push(state));
  const dial = (): Dial => dials.at(-1) as Dial;
  const state = (): Status["state"] => connection.status.state;
  const wake = (): void => wakes.forEach((task) => task());
  /** The attempt under way succeeds. */
  const succeed = async (): Promise<Dial> => {
    await clock.settle();
    dial().listener.opened();
    await clock.settle();
    dial().receive(welcome);
    await clock.settle();
    return dial();
  };
  /** The attempt under way, or the open socket, ends. */
  const end = async (code = 1006, reason = ""): Promise<void> => {
    await clock.settle();
    dial().listener.closed(code, reason);
    await clock.settle();
  };
  const open = async (): Promise<Dial> => {
    connection.connect();
    return succeed();
  };
  return {
    clock,
    random,
    connection,
    dials,
    dial,
    state,
    wake,
    wakes,
    succeed,
    end,
    open,
    log,
    reported,
    net,
  };
}

export type DialBench = ReturnType<typeof dialBench>;

/** How long until the next attempt; NaN while none is waited for. */
export const waitOf = ({ connection, clock }: DialBench): number => {
  const { status } = connection;
  return status.state === "waiting" ? status.retryAt - clock.now() : NaN;
};
