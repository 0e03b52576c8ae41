import type { MsgHdrs } from "@nats-io/transport-node";

/** A message as the stream has it. */
export interface Stored {
  readonly seq: number;
  readonly subject: string;
  /** What stands in the header {@link metaHeader}. */
  readonly meta: string;
  readonly body: string;
}

/** Header for what is read without the body. */
export const metaHeader = "Bowline";

/** A message with its meta data out of the headers. */
export function storedOf(subject: string, seq: number, headers: MsgHdrs | undefined, body: string): Stored {
  return { subject, seq, meta: headers?.get(metaHeader) ?? "", body };
}
