/**
 * The simulator: whole systems in one process, on a virtual clock and a network that does its worst, decided by a seed.
 *
 * @module
 */
export { World } from "./world.ts";
export type { WorldOptions } from "./world.ts";
export { Device } from "./device.ts";
export type { DeviceOptions } from "./device.ts";
export type { Keeping } from "./device-storage.ts";
export { SimNode } from "./sim-node.ts";
export type { ServerFactory, ServerSeams } from "./sim-node.ts";
export { Storm } from "./faults.ts";
export type { FaultName, FaultWeights, FormerRoom, StormOptions } from "./faults.ts";
export { History } from "./history.ts";
export type { Step, StepKind } from "./history.ts";
export { formatHistory, formatStep } from "./trace.ts";
export { SeededRandom } from "./seeded-random.ts";
export { checkAll } from "./checkers/all.ts";
export type { CheckOptions } from "./checkers/all.ts";
export { checkSettled } from "./checkers/settled.ts";
export type { SettledRules } from "./checkers/settled.ts";
export type { Violation } from "./checkers/violation.ts";
export type { EndState } from "./end-state.ts";
export { swarm } from "./swarm.ts";
export type { SwarmOptions, SwarmReport } from "./swarm.ts";
export type { ActionName, SwarmKnobs } from "./swarm-knobs.ts";
export { sabotages } from "./sabotages.ts";
export { catchSabotage } from "./catch.ts";
export type { Caught } from "./catch.ts";
export { wrapBroker, wrapGate, wrapListener, wrapSocket } from "./wraps.ts";
export type { Wraps } from "./wraps.ts";
export { brokerConformance } from "./broker-conformance.ts";
export type { BrokerBench, ConformanceCase } from "./broker-conformance.ts";
