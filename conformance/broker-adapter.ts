/**
 * An adapter for brokers, as spec/BROKER.md describes it, and the model for those in other languages: calls come as JSON
 * lines on the standard input, answers and what the sink is told go out on the standard output.
 * `npm run broker-conformance -- --cmd "…"` runs it.
 */
import { createInterface } from "node:readline";
import type { Broker, BrokerSink } from "bowline/server";
import { callProblem, makeCall, type CallName } from "../src/testing/conformance/broker-calls.ts";
import { brokerMaker, type BrokerConfig } from "./brokers.ts";

/** One line of the runner's. */
interface Line {
  readonly id: number;
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
}

const config = JSON.parse(process.env["BOWLINE_CONFORMANCE"] ?? '{"broker":"memory"}') as BrokerConfig;
const make = await brokerMaker(config);
let broker: Broker = make();

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const sink: BrokerSink = {
  receiveEntry: (room, epoch, { offset, data }) => print({ sink: "entry", room, epoch, offset, data }),
  receiveSignal: (room, key, data) => print({ sink: "signal", room, key, data }),
  receivePresence: (room, change) => print({ sink: "presence", room, change }),
  receiveOpened: (session, generation) => print({ sink: "opened", session, generation }),
  receiveHole: (room) => print({ sink: "hole", room }),
  receiveTold: (message) => print({ sink: "told", message }),
  receiveOutage: (reason) => print({ sink: "outage", reason: reason && reason.message }),
  receiveFault: ({ message }) => print({ sink: "fault", message }),
  receiveSettings: (own, others) => print({ sink: "settings", own, others: Object.fromEntries(others) }),
  isConnected: () => false,
};

for await (const line of createInterface(process.stdin)) {
  const { id, call, args } = JSON.parse(line) as Line;
  // Calls are begun in the order of the lines, and none is waited for.
  perform(call, args).then(
    (answer) => print({ id, answer }),
    (error: Error & { code?: unknown }) => print({ id, error: { message: error.message, code: error.code } }),
  );
}
process.exit(0);

function perform(call: string, args: Line["args"]): Promise<unknown> {
  if (call === "start") {
    broker = make();
    return broker
      .start(sink, String(args["node"]), args["settings"] as Record<string, string>)
      .then(() => null);
  }
  if (call === "stop") return broker.stop().then(() => null);
  const problem = callProblem(call, args);
  if (problem) return Promise.reject(new Error(problem));
  return makeCall(broker, call as CallName, args as never);
}
