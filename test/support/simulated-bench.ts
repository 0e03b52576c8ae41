import { History } from "../../src/testing/history.ts";
import type { BrokerBench } from "../../src/testing/broker-conformance.ts";
import type { Broker } from "../../src/server/broker.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SharedBroker } from "../../src/testing/shared-broker.ts";
import { SharedStore } from "../../src/testing/shared-store.ts";
import { SimProcess } from "../../src/testing/sim-process.ts";
import { Timeline } from "../../src/testing/timeline.ts";

const leaseMs = 1000;
const sessionTtlMs = 10_000;
/** Virtual milliseconds that pass in one turn of the event loop. */
const turnMs = 2;

interface Started {
  readonly broker: SharedBroker;
  readonly process: SimProcess;
}

/** The simulator's shared broker, whose time passes by itself, and faster than on a clock. */
export function simulatedBench(seed: number): BrokerBench & { readonly stop: () => void } {
  const timeline = new Timeline();
  const random = new SeededRandom(seed);
  const store = new SharedStore(timeline, random.fork("store"), new History(() => timeline.nowMs), {
    sessionTtlMs,
  });
  const nodes = new Map<Broker, Started>();
  let isDown = false;
  let stopped = false;
  const pass = async (): Promise<void> => {
    while (!stopped) {
      await timeline.run(timeline.nowMs + turnMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  void pass();

  const open = (): Broker => {
    const process = new SimProcess(`node-${nodes.size}`, timeline);
    const link = { latencyMs: [0.2, 5], repeats: 0.2, down: isDown ? "reject" : null } as const;
    const broker = new SharedBroker(store, process, random.fork(process.name), { ...link });
    nodes.set(broker, { broker, process });
    return broker;
  };
  const crash = (broker: Broker): void => {
    const node = nodes.get(broker) as Started;
    node.process.kill();
    node.broker.leave();
    store.nodeDied(node.process.name, leaseMs);
  };
  const stopService = (): void => {
    isDown = true;
    for (const { broker } of nodes.values()) {
      broker.deafen();
      broker.breakDown("reject");
    }
  };
  const startService = ({ keepData }: { keepData: boolean }): void => {
    isDown = false;
    if (!keepData) store.wipe();
    for (const { broker } of nodes.values()) {
      broker.restore();
      broker.hear();
    }
  };
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void timeline.after(ms, resolve));
  const stop = (): void => void (stopped = true);
  return { open, crash, stopService, startService, sleep, leaseMs, sessionTtlMs, stop };
}
