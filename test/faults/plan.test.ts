import { expect, test } from "vitest";
import { planFaults } from "../../faults/plan.ts";

test("the same seed plans the same faults, another one others", () => {
  expect(planFaults(60, 1, "memory")).toEqual(planFaults(60, 1, "memory"));
  expect(planFaults(60, 1, "memory")).not.toEqual(planFaults(60, 2, "memory"));
});

test("a minute has every kind of fault, in order, and all lines are given back within it", () => {
  const plan = planFaults(60, 1, "memory");
  const kinds = ["cut", "half-open", "half-open to client", "half-open to server", "kill", "refuse", "stall"];
  expect([...new Set(plan.map(({ kind }) => kind))].toSorted()).toEqual(kinds);
  expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  for (const { atMs, forMs } of plan) expect(atMs + forMs).toBeLessThanOrEqual(60_000);
});

test("a short run is killed once", () => {
  expect(planFaults(6, 1, "memory").filter(({ kind }) => kind === "kill")).toHaveLength(1);
});

test("a server with a file of its own is killed, and stands still between that", () => {
  const plan = planFaults(60, 1, "file").filter(({ kind }) => kind === "kill" || kind === "freeze");
  expect(plan.map(({ kind }) => kind)).toEqual([
    "freeze",
    "kill",
    "freeze",
    "kill",
    "freeze",
    "kill",
    "freeze",
    "kill",
  ]);
  for (const [index, { atMs, forMs }] of plan.entries())
    expect(atMs + forMs).toBeLessThanOrEqual(plan[index + 1]?.atMs ?? 60_000);
});
