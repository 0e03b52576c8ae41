/** Bytes of every payload, the same for all contenders. */
export const payloadBytes = 128;

const publisherDigits = 4;
const sequenceDigits = 10;
const edge = 0x7e;
const zero = 0x30;

/** 128 characters that need no escape in JSON: `~`, publisher, sequence number, filling, `~`. */
export function makePayload(publisher: number, sequence: number): string {
  const head = `~${String(publisher).padStart(publisherDigits, "0")}${String(sequence).padStart(sequenceDigits, "0")}`;
  return `${head.padEnd(payloadBytes - 1, "x")}~`;
}

/** Numbers from `first` on. */
export interface Numbers {
  readonly first: number;
  readonly count: number;
}

/** Sees to it that every receiver of a room gets its publishers' messages, and no others, once each and in order. */
export class DeliveryCheck {
  /** Good deliveries so far. */
  received = 0;
  readonly failures: string[] = [];
  readonly #receivers: Numbers;
  readonly #publishers: Numbers;
  /** The last sequence number, by receiver and publisher. */
  readonly #last: Int32Array;

  constructor(receivers: Numbers, publishers: Numbers) {
    this.#receivers = receivers;
    this.#publishers = publishers;
    this.#last = new Int32Array(receivers.count * publishers.count);
  }

  /** Checks the payload that begins at `at`; gives back its publisher. */
  record(receiver: number, bytes: Buffer, at: number): number {
    if (bytes[at] !== edge || bytes[at + payloadBytes - 1] !== edge)
      return this.#fail(receiver, "a damaged payload");
    const publisher = readNumber(bytes, at + 1, publisherDigits);
    const sequence = readNumber(bytes, at + 1 + publisherDigits, sequenceDigits);
    const { first, count } = this.#publishers;
    if (publisher < first || publisher >= first + count)
      return this.#fail(receiver, `what publisher ${publisher} sent to another room`);
    const slot = (receiver - this.#receivers.first) * count + publisher - first;
    const last = this.#last[slot] as number;
    if (sequence !== last + 1)
      return this.#fail(receiver, `${sequence} after ${last} from publisher ${publisher}`);
    this.#last[slot] = sequence;
    this.received += 1;
    return publisher;
  }

  #fail(receiver: number, what: string): -1 {
    if (this.failures.length < 5) this.failures.push(`receiver ${receiver} got ${what}`);
    return -1;
  }
}

function readNumber(bytes: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let place = at; place < at + digits; place++) value = value * 10 + (bytes[place] as number) - zero;
  return value;
}
