import { parseJson } from "./json.ts";

/** Something that a socket got. */
export type Arrival =
  | { readonly kind: "frame"; readonly frame: unknown; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Buffer }
  | { readonly kind: "pong"; readonly data: string }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string };

/** An end of a WebSocket, from which what came is taken in its order. */
export interface Receiver {
  /** The next thing that came; null when nothing did in time. */
  next(timeoutMs: number): Promise<Arrival | null>;
}

/** What came, for a report. */
export function arrivalText(arrival: Arrival): string {
  switch (arrival.kind) {
    case "frame":
      return arrival.text;
    case "binary":
      return `a binary message of ${arrival.bytes.length} bytes`;
    case "pong":
      return "pong of WebSocket";
    case "closed":
      return `close ${arrival.code} ${arrival.reason}`.trim();
  }
}

/** A message of WebSocket as it came. */
export function toArrival(data: Buffer, isBinary: boolean): Arrival {
  if (isBinary) return { kind: "binary", bytes: data };
  const text = data.toString();
  return { kind: "frame", frame: parseJson(text), text };
}
