import type { Batch, Framing } from "../server/engine.ts";

/** A batch of a simulated network: the messages as they are. */
export interface TextBatch extends Batch {
  readonly messages: readonly string[];
}

/** Bytes that a frame has besides its payload. */
const headerBytes = 4;

/** The framing of the simulated network: it only counts bytes, a UTF-16 unit as one. Its clients speak JSON alone. */
export const textFraming: Framing = {
  pack: (messages) => textBatch(messages as readonly string[]),
  join: (batches) => textBatch((batches as readonly TextBatch[]).flatMap(({ messages }) => messages)),
};

export function messageBytes(text: string): number {
  return text.length + headerBytes;
}

function textBatch(messages: readonly string[]): TextBatch {
  // A copy: whoever packs may go on using its array.
  let byteLength = 0;
  for (const text of messages) byteLength += messageBytes(text);
  return { messages: [...messages], byteLength } satisfies TextBatch;
}
