import { test } from "vitest";
import { memory } from "../../src/server/memory-broker.ts";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";

const cases = brokerConformance({
  nodes: 1,
  forgets: true,
  sessionTtlMs: 400,
  open: () => memory({ sessionTtlMs: 400 }),
});
for (const { name, run, timeoutMs } of cases) test(name, run, timeoutMs);
