import type { History } from "./history.ts";
import type { Host, Network } from "./network.ts";
import type { Line } from "./line.ts";
import type { Timeline } from "./timeline.ts";

/** A node, as far as it matters whether it can have heard of a take-over. */
export interface FencedHost extends Host {
  readonly shared: { wasDeafSince(atMs: number): boolean } | null;
}

/** What a {@link Fence} is made of. */
export interface FenceOptions {
  readonly timeline: Timeline;
  readonly history: History;
  readonly network: () => Network;
  readonly hosts: () => readonly FencedHost[];
  /** The longest that a node takes to hear from the broker. */
  readonly latencyMs: number;
}

/** What a node gets on top of the broker's latency to close a connection that was taken over. */
const graceMs = 500;

/**
 * Watches take-overs: once a session was opened with a higher generation, its old connections are closed within a
 * bound, and nothing more is sent over them. Nodes that can't have heard of it are let off.
 */
export class Fence {
  readonly #options: FenceOptions;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** The broker opened a session for one of its connections. */
  opened(session: string, generation: number): void {
    const { network, timeline, latencyMs } = this.#options;
    const sinceMs = timeline.nowMs;
    for (const line of network().lines) {
      const { claim } = line;
      if (claim?.session !== session || line.isClosing) continue;
      if (claim.generation === generation) line.isOpened = true;
      else if (claim.generation < generation && line.isOpened)
        timeline.after(latencyMs + graceMs, () => this.#look(line, sinceMs));
    }
  }

  #look(line: Line, sinceMs: number): void {
    const { timeline, history, latencyMs } = this.#options;
    // What was published may have been lost before the answer came that told of it.
    if (line.isClosing || !this.#couldHear(line, sinceMs - latencyMs)) return;
    const what = `the wait of ${line.claim?.session} for its old connection to be closed`;
    history.add({ type: "measured", what, value: timeline.nowMs - sinceMs, bound: latencyMs });
  }

  #couldHear({ node }: Line, sinceMs: number): boolean {
    if (node.isDead || node.wasAsleepSince(sinceMs)) return false;
    const host = this.#options.hosts().find(({ process }) => process === node);
    return host !== undefined && host.shared?.wasDeafSince(sinceMs) !== true;
  }
}
