import type { Broker } from "../../server/broker.ts";
import { AdapterProcess, type AdapterCommand } from "./adapter-process.ts";
import type { BrokerBench } from "./bench.ts";
import type { CallArguments, CallName } from "./broker-calls.ts";
import { Scene } from "./scene.ts";

/** A bench whose brokers are adapters, each in a process of its own, in any language. */
export interface AdapterBench extends BrokerBench {
  /** Ends every adapter. */
  close(): Promise<void>;
}

/** Makes a bench of a command. `more` is what the service behind the adapters offers. */
export function adapterBench(
  command: AdapterCommand,
  more: Omit<BrokerBench, "open" | "crash">,
): AdapterBench {
  const processes = new Map<Broker, AdapterProcess>();
  /** Adapters whose node has stopped: they are started again as another node. */
  const idle: AdapterProcess[] = [];
  return {
    ...more,
    open() {
      const process = idle.pop() ?? new AdapterProcess(command);
      const broker = remoteBroker(process, () => {
        if (process.isSound) idle.push(process);
      });
      processes.set(broker, process);
      return broker;
    },
    crash: (broker) => processes.get(broker)?.kill(),
    async close() {
      await Promise.all([...new Set(processes.values())].map((process) => process.kill()));
    },
  };
}

/** Starts and stops one node. Rejects with what the adapter did instead, so that a command that is none is said once. */
export async function tryAdapter(bench: AdapterBench, withinMs: number): Promise<void> {
  const scene = new Scene(bench);
  try {
    const { broker, heard, id } = await scene.open();
    await scene.within(withinMs, broker.start(heard.sink, id), "the start of an adapter");
  } catch (error) {
    await bench.close();
    throw error;
  }
  await scene.end();
}

/** The broker behind an adapter. */
function remoteBroker(process: AdapterProcess, onStopped: () => void): Broker {
  const call = <Name extends CallName>(name: Name, args: CallArguments[Name]): Promise<never> =>
    process.call(name, args) as Promise<never>;
  /** What has no answer may fail: nobody is told. */
  const say = <Name extends CallName>(name: Name, args: CallArguments[Name]): void =>
    void process.call(name, args).catch(() => {});
  return {
    name: "adapter",
    async start(sink, node, settings = {}) {
      process.sink = sink;
      await process.call("start", { node, settings });
    },
    async stop() {
      await process.call("stop", {});
      process.sink = null;
      onStopped();
    },
    append: (request) => call("append", request),
    find: (room, origin) => call("find", { room, origin }),
    read: (room, after, limit) => call("read", { room, after, limit }),
    subscribe: (room, bound) => call("subscribe", { room, bound }),
    unsubscribe: (room) => call("unsubscribe", { room }),
    signal: (room, key, data) => say("signal", { room, key, data }),
    openSession: (claim) => call("openSession", claim),
    renewSessions: (sessions) => say("renewSessions", { sessions }),
    claimRequest: (origin) => call("claimRequest", { origin }),
    answerRequest: (origin, answer) => call("answerRequest", { origin, answer }),
    enter: (room, member, generation) => call("enter", { room, member, generation }),
    exit: (room, session, generation) => call("exit", { room, session, generation }),
    members: (room, limit) => call("members", { room, limit }),
    tell: (node, message) => say("tell", { node, message }),
    nodes: () => call("nodes", {}),
  };
}
