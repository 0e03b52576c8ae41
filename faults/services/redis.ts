import { ask, startProgram } from "./program.ts";
import type { BrokerService } from "./service.ts";

/**
 * A Redis that keeps what it was told in an append-only file, so that its own death loses nothing; without `persistent`
 * all it has is in its memory.
 */
export function startRedis({ persistent = true } = {}): Promise<BrokerService> {
  return startProgram({
    name: "redis-server",
    arguments: (port, folder) => [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--appendonly",
      persistent ? "yes" : "no",
      "--save",
      "",
      "--maxmemory-policy",
      "noeviction",
    ],
    answers: (port) => ask(port, "PING\r\n", "+PONG"),
  });
}
