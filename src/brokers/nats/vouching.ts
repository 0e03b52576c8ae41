import type { Leases } from "./leases.ts";
import type { Store } from "./store.ts";

/** What {@link vouch} and {@link leave} are about. */
export interface Vouched {
  /** Those that must not lack their end: what they hold is positions, and what was carried out. */
  readonly stores: readonly Store[];
  /** The stream of the leases, which is in memory. */
  readonly leases: Store;
}

/**
 * Makes sure, for a node that has just begun and knows nothing, that the streams have their end.
 *
 * NATS writes to disk later than it acknowledges, so a server whose machine failed, or whose files were put back, may
 * come again without the newest. A node that lives through that notices it by what it has seen. Where none does, all of
 * them began after the server did, and the leases, which are in its memory, are as new as it is: then the streams have to
 * say themselves that nothing is missing, which they do when the last node has left in order. Else they are made anew, so
 * that no position comes to stand for two messages, and clients are told.
 */
export async function vouch({ stores, leases }: Vouched): Promise<void> {
  if (!leases.isUnused) return;
  const whole = await Promise.all(stores.map((store) => store.hasEnd()));
  if (whole.every(Boolean)) return;
  await Promise.all(stores.map((store) => store.renew()));
}

/** The last that this node writes: if no other node is there, that nothing else is to come. */
export async function leave({ stores }: Vouched, leases: Leases): Promise<void> {
  if ((await leases.nodes()).length > 1) return;
  await Promise.all(stores.map((store) => store.writeEnd()));
}
