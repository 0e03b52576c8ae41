import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

type DataListener = (this: Duplex, bytes: Buffer) => void;

/** How much of the bytes that are handed round just now is for ws. */
let handedOver = 0;

/**
 * Reads a stream in the place of the listener with which ws reads it: `take` is shown bytes before ws sees them, and
 * tells how many of them ws gets. Throws where ws reads in another way than it did.
 */
export function readFor(stream: Duplex, take: (this: Duplex, bytes: Buffer) => number): void {
  const readByWs = stream.listeners("data").at(-1) as DataListener | undefined;
  if (!readByWs) throw new Error("bowline: this version of ws reads its sockets in a way that is not known");
  const { before, instead } = (standIn ??= makeStandIn(readByWs, take));
  // In this order: what stands in goes by the name of what it stands in for.
  stream.off("data", readByWs).on("data", before).on("data", instead);
}

/** One for all sockets, so that none needs closures of its own. */
interface StandIn {
  readonly before: DataListener;
  readonly instead: DataListener;
}

let standIn: StandIn | null = null;

function makeStandIn(readByWs: DataListener, take: (this: Duplex, bytes: Buffer) => number): StandIn {
  const instead: DataListener = function readInstead(bytes) {
    if (handedOver === bytes.length) readByWs.call(this, bytes);
    else if (handedOver > 0) readByWs.call(this, bytes.subarray(0, handedOver));
  };
  return {
    before(bytes) {
      handedOver = take.call(this, bytes);
    },
    // As the wrappers that `once` makes have it: ws takes its listener away when it reads no more, and this is then it.
    instead: Object.assign(instead, { listener: readByWs }),
  };
}
