import { backgroundTimer, systemClock, type Undo } from "../base/clock.ts";

/** Real time after which a call that waits while virtual time stands still is taken for an oversight. */
const patienceMs = 2000;
/** When time last passed in any simulation of this process: one that goes on with another has not hung. */
let lastPassedMs = 0;

/**
 * Notices when a call of a device waits and nobody lets virtual time pass: a test that awaits it would hang until its
 * runner gives up, without a word of why. Warns once, as a process warning.
 */
export class Standstill {
  readonly #waiting = new Map<number, string>();
  #next = 0;
  #isPassing = false;
  #isSaid = false;
  #stopTimer: Undo | null = null;

  /** Follows a call until it settles. `what` is said of it, e.g. `ada's publish to chat/lobby`. */
  watch(call: Promise<unknown>, what: string): void {
    const id = this.#next++;
    const settled = (): void => {
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#stop();
    };
    this.#waiting.set(id, what);
    call.then(settled, settled);
    this.#start();
  }

  /** Time passes, or stands still again. */
  set isPassing(isPassing: boolean) {
    this.#isPassing = isPassing;
    lastPassedMs = systemClock.elapsed();
    if (isPassing) this.#stop();
    else if (this.#waiting.size > 0) this.#start();
  }

  /** The simulation is over: what still waits has been looked at. */
  end(): void {
    this.#isSaid = true;
    this.#stop();
  }

  #start(): void {
    if (this.#isPassing || this.#isSaid) return;
    this.#stopTimer ??= backgroundTimer(patienceMs, () => this.#say());
  }

  #stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #say(): void {
    this.#stopTimer = null;
    if (systemClock.elapsed() - lastPassedMs < patienceMs / 2) return;
    const [what] = this.#waiting.values();
    this.#isSaid = true;
    process.emitWarning(
      `${what ?? "a call"} waits, and the simulation's time stands still. Let it pass: ` +
        "await world.until(promise), or world.run(ms) before the promise is awaited.",
      "Bowline",
    );
  }
}
