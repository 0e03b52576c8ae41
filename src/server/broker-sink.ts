import type { BrokerSink } from "./broker.ts";
import type { Cluster } from "./cluster.ts";
import { settingsThatDiffer } from "./cluster-settings.ts";
import type { Hub } from "./hub.ts";
import type { Logging } from "./logging/logging.ts";
import type { Report } from "./refusal.ts";
import type { Sessions } from "./sessions.ts";

/** Whom a broker's word goes to. */
export interface BrokerListeners {
  readonly hub: Hub;
  readonly sessions: Sessions;
  readonly cluster: Cluster;
  readonly logging: Logging;
  readonly report: Report;
  /** Whether outages are reported as faults too: the logger has lines of their own for them. */
  readonly reportsOutages: boolean;
}

/** What a node gives its broker to call. */
export function brokerSink(listeners: BrokerListeners): BrokerSink {
  const { hub, sessions, cluster, logging, report, reportsOutages } = listeners;
  return {
    receiveEntry: (room, epoch, entry) => hub.receiveEntry(room, epoch, entry),
    receiveSignal: (room, key, data) => hub.receiveSignal(room, key, data),
    receivePresence: (room, change) => hub.receivePresence(room, change),
    receiveOpened: (session, generation) => sessions.receiveOpened(session, generation),
    receiveHole: (room) => hub.receiveHole(room),
    receiveTold: (message) => cluster.receive(message),
    receiveOutage: (reason) => {
      if (reason && reportsOutages) report(reason, "broker");
      sessions.receiveOutage(reason);
    },
    receiveFault: (error) => report(error, "broker"),
    receiveSettings: (own, others) => logging.settingsDiffer(settingsThatDiffer(own, others)),
    isConnected: (session) => sessions.connectionOf(session) !== undefined,
  };
}
