import type { WireFrame } from "./pair.ts";
import type { Batch, Socket } from "../../src/server/engine.ts";
import { textFraming, type TextBatch } from "../../src/testing/framing.ts";

/** The server's end of a socket that goes nowhere. */
export class FakeSocket implements Socket {
  readonly framing = textFraming;
  /** What the server is told waits in it. */
  buffered = 0;
  /** The messages of each write. */
  readonly writes: (readonly string[])[] = [];
  readonly closes: { readonly code: number; readonly reason: string }[] = [];
  paused = false;
  terminated = false;

  send(batch: Batch): void {
    // As a real one: what comes after the close goes nowhere.
    if (this.closes.length > 0) return;
    this.writes.push((batch as TextBatch).messages);
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  terminate(): void {
    this.terminated = true;
  }

  /** Every message that was sent. */
  get messages(): string[] {
    return this.writes.flat();
  }

  get frames(): WireFrame[] {
    return this.messages.map((text) => JSON.parse(text) as WireFrame);
  }
}
