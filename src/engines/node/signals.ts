import { constants } from "node:os";
import { systemClock, type Undo } from "../../base/clock.ts";

type Signal = NodeJS.Signals;

/**
 * What asks a process to end. On Windows, which has no SIGTERM, these are Ctrl+Break and a console that is closed.
 * Elsewhere SIGHUP is left alone: listening for it would undo `nohup`.
 */
const signals: readonly Signal[] =
  process.platform === "win32" ? ["SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"] : ["SIGTERM", "SIGINT"];

/** A signal that comes again this soon is the same one: npm passes on what its whole process group was sent. */
const echoMs = 100;

/** The drains of this process's servers that wait for a signal. */
const drains = new Set<() => Promise<void>>();
/** When the first signal came, while what it set in motion lasts. */
let drainingSinceMs: number | null = null;

/**
 * Calls `drain` when the process is asked to end, and then ends it. Where somebody else listens for the signal, only
 * drains: two that end a process would cut one another off. The undo forgets it.
 */
export function drainOnSignal(drain: () => Promise<void>): Undo {
  if (drains.size === 0 && drainingSinceMs === null) wire();
  drains.add(drain);
  return () => {
    drains.delete(drain);
    if (drains.size === 0 && drainingSinceMs === null) unwire();
  };
}

/** The first signal drains all servers; a second one ends the process at once. */
function onSignal(signal: Signal): void {
  const nowMs = systemClock.elapsed();
  if (drainingSinceMs === null) {
    drainingSinceMs = nowMs;
    void drainAll(signal);
  } else if (nowMs - drainingSinceMs > echoMs) end(signal);
}

async function drainAll(signal: Signal): Promise<void> {
  const isOwn = isAlone(signal);
  // Whoever else listens has the further signals, too.
  if (!isOwn) unwire();
  await Promise.allSettled(Array.from(drains, async (drain) => drain()));
  if (isOwn) end(signal);
  unwire();
  drainingSinceMs = null;
  // Of servers that were started meanwhile, which the application may do, the next signal drains those.
  if (drains.size > 0) wire();
}

function isAlone(signal: Signal): boolean {
  return process.listeners(signal).every((listener) => listener === onSignal);
}

/** Ends the process as the signal would have, for whoever started it to see, unless that is somebody else's by now. */
function end(signal: Signal): void {
  if (!isAlone(signal)) return;
  unwire();
  // The first process of a container is not ended by a signal that it does not listen for.
  if (process.pid === 1) process.exit(128 + constants.signals[signal]);
  process.kill(process.pid, signal);
}

function wire(): void {
  // In front: of those that listen once, nothing is left to be seen after their turn.
  for (const signal of signals) process.prependListener(signal, onSignal);
}

function unwire(): void {
  for (const signal of signals) process.off(signal, onSignal);
}
