/** A short fault run over three servers that share a broker. The long ones: `npm run faults -- --broker redis`, `nats`. */
import { describe, expect, test } from "vitest";
import { runFaults } from "../../faults/fault-run.ts";
import type { FaultKind } from "../../faults/plan.ts";

const serviceFaults: readonly FaultKind[] = [
  "broker kill",
  "broker freeze",
  "broker cut",
  "roll",
  "broker wipe",
];

describe.each([
  { broker: "redis", service: process.env["SERVICE_REDIS_SERVER"] },
  { broker: "nats", service: process.env["SERVICE_NATS_SERVER"] },
] as const)("three servers over $broker", ({ broker, service }) => {
  test.skipIf(!service)(
    "that are killed and rolled, and whose broker is killed, frozen, cut off and wiped, lose, repeat and reorder nothing",
    async () => {
      const result = await runFaults({
        contender: "bowline",
        broker,
        seconds: 12,
        clients: 24,
        seed: 3,
        shortRooms: true,
      });
      const { verdict, faults, settledMs, unsettled } = result;
      expect(verdict.examples).toEqual([]);
      expect(verdict).toMatchObject({ lost: 0, repeated: 0, misordered: 0 });
      expect(settledMs, unsettled).not.toBeNull();
      expect(verdict.acknowledged).toBeGreaterThan(50);
      for (const kind of ["kill", ...serviceFaults] as const) expect(faults.get(kind), kind).toBe(1);
      // Wiping the broker costs everybody what they had not read, and they are told.
      expect(verdict.gaps).toBeGreaterThanOrEqual(24);
      expect(Object.keys(verdict.refused).filter((code) => code !== "UNCERTAIN")).toEqual([]);
    },
    180_000,
  );
});
