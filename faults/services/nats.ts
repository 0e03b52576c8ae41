import { ask, startProgram } from "./program.ts";
import type { BrokerService } from "./service.ts";

/** A NATS server with JetStream in files. */
export function startNats(): Promise<BrokerService> {
  return startProgram({
    name: "nats-server",
    arguments: (port, folder) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
    answers: (port) => ask(port, "", "INFO"),
  });
}
