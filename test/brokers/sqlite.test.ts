import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "bowline/sqlite";
import { afterAll, test } from "vitest";
import { brokerConformance } from "../../src/testing/broker-conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "bowline-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sessionTtlMs = 1000;
const open = () => sqlite({ file: join(folder, "conformance.db"), sessionTtlMs });
for (const { name, run, timeoutMs } of brokerConformance({ nodes: 1, sessionTtlMs, open }))
  test(name, run, timeoutMs);
