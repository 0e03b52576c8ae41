import cluster from "node:cluster";

let warned = false;

/** Workers of one port share their visitors, and with the broker in memory nothing else: it would show as lost messages. */
export function warnOfWorkers(broker: string): void {
  if (!cluster.isWorker || broker !== "memory" || warned) return;
  warned = true;
  process.emitWarning(
    "the broker memory() keeps rooms and sessions in this process, and this is one of several workers (node:cluster): " +
      "clients of different workers will not see each other. Share a broker: redis({ url }) or nats({ servers })",
    { type: "BowlineWarning", code: "BOWLINE_MEMORY_IN_WORKER" },
  );
}
