import type { Mutant } from "./mutant.ts";
import { clientMutants } from "./rows/client.ts";
import { conformanceClientMutants } from "./rows/conformance-client.ts";
import { conformanceMutants } from "./rows/conformance.ts";
import { contractMutants } from "./rows/contract.ts";
import { deliveryMutants } from "./rows/delivery.ts";
import { doorMutants } from "./rows/doors.ts";
import { engineMutants } from "./rows/engine.ts";
import { groundMutants } from "./rows/ground.ts";
import { memoryMutants } from "./rows/memory.ts";
import { natsMutants } from "./rows/nats.ts";
import { outboxMutants } from "./rows/outbox.ts";
import { redisMutants } from "./rows/redis.ts";
import { serverMutants } from "./rows/server.ts";
import { sqliteMutants } from "./rows/sqlite.ts";

/** Every fault there is. A test holds that each fits the source. */
export const allMutants: readonly Mutant[] = [
  ...groundMutants,
  ...memoryMutants,
  ...contractMutants,
  ...deliveryMutants,
  ...doorMutants,
  ...serverMutants,
  ...outboxMutants,
  ...clientMutants,
  ...engineMutants,
  ...sqliteMutants,
  ...redisMutants,
  ...natsMutants,
  ...conformanceMutants,
  ...conformanceClientMutants,
];
