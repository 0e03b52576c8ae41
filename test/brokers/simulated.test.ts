import { afterAll, test } from "vitest";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";
import { simulatedBench } from "../support/simulated-bench.ts";

const bench = simulatedBench(1);
afterAll(bench.stop);

for (const { name, run, timeoutMs } of brokerConformance(bench)) test(name, run, timeoutMs);
