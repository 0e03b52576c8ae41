import type { Position } from "../protocol/frames.ts";
import type { Step } from "./history.ts";

/** Writes a history as a timeline that people can read: one line for each step, with its moment in seconds. */
export function formatHistory(steps: readonly Step[]): string {
  return steps.map(formatStep).join("\n");
}

/** One line of {@link formatHistory}. */
export function formatStep(step: Step): string {
  const time = (step.atMs / 1000).toFixed(3).padStart(9);
  return `${time}  ${describeStep(step)}`;
}

function describeStep(step: Step): string {
  const { type, atMs: _, ...rest } = step;
  if (step.type === "frame") return `${step.from} > ${step.to}  ${step.text}`;
  if (step.type === "fault") return `*** ${step.text}`;
  if (step.type === "heal") return "*** everything is healed";
  const who = "device" in step ? step.device : "node" in step ? step.node : "";
  const fields = Object.entries(rest).filter(([name]) => name !== "device" && name !== "node");
  return `${who.padEnd(8)} ${type.padEnd(13)} ${fields.map(([name, value]) => `${name}=${show(value)}`).join(" ")}`;
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (isPosition(value)) return `${value.epoch}:${value.offset}`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

function isPosition(value: unknown): value is Position {
  return typeof (value as Position | null)?.offset === "number";
}
