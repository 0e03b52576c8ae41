import type { Clock } from "../base/clock.ts";
import type { CloseName } from "../protocol/codes.ts";
import type { JoinedFrame, ServerFrame } from "../protocol/frames.ts";
import type { Message } from "./engine.ts";
import type { Outbox } from "./outbox.ts";
import type { Report } from "./refusal.ts";
import { listFrame, type ListedMembers } from "./room-presence.ts";
import { Unread, type UnreadLimits } from "./unread.ts";

/** What {@link OwnFrames} needs of the server. */
export interface OwnFramesContext {
  readonly clock: Clock;
  readonly limits: UnreadLimits;
  readonly report: Report;
}

/** The connection that they are sent to. */
interface Receiver {
  readonly state: "opening" | "open" | "closed";
  readonly outbox: Outbox;
  close(name: CloseName, reason?: string): void;
}

/**
 * Sends a connection's own frames, which no room has for others as well: in its encoding, and no more than it reads.
 * After its end, nothing.
 */
export class OwnFrames {
  readonly #context: OwnFramesContext;
  readonly #connection: Receiver;
  readonly #unread = new Unread();
  /** Settles when the large frames asked for have been sent. Null where there never were any, as on most connections. */
  #paced: Promise<void> | null = null;
  /** Wakes the large frame that waits for room. */
  #onRoom: (() => void) | null = null;

  constructor(context: OwnFramesContext, connection: Receiver) {
    this.#context = context;
    this.#connection = connection;
  }

  send(frame: ServerFrame): void {
    try {
      this.#write(this.#connection.outbox.format.codec.frame(frame));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A reply, whose payload is JSON already. */
  reply(ref: number, payload: string): void {
    try {
      this.#write(this.#connection.outbox.format.codec.reply(ref, payload));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The answer to a join of a room with presence. */
  joined(frame: JoinedFrame, members: ListedMembers): void {
    try {
      this.#write(listFrame(this.#connection.outbox.format.codec, frame, members));
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Sends a large frame in its turn: `send` makes it when the ones before it have nearly left. A client that joins many
   * rooms at once is no slow reader, and one that does not read holds no more than one.
   */
  pace(send: () => Promise<void>): Promise<void> {
    const inTurn = async (): Promise<void> => {
      if (this.#connection.state !== "closed" && this.#connection.outbox.isFull())
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
      await send();
    };
    const sent = this.#paced ? this.#paced.then(inTurn) : inTurn();
    this.#paced = sent.catch(() => {});
    return sent;
  }

  /** There is room for a large frame again, or nobody who needs it. */
  wake(): void {
    const onRoom = this.#onRoom;
    this.#onRoom = null;
    onRoom?.();
  }

  #write(message: Message): void {
    if (this.#connection.state === "closed") return;
    const { clock, limits } = this.#context;
    const { outbox } = this.#connection;
    // Looked at before this one is added: one large reply alone is no sign of a slow reader.
    if (this.#unread.isTooMuch(outbox.waitingBytes(), clock, limits))
      return this.#connection.close("SLOW_CONSUMER");
    this.#unread.add(message.length);
    outbox.send(message);
  }

  /** The codec failed: to go on without the frame would be a lie to the client. */
  #fail(error: unknown): void {
    if (this.#connection.state === "closed") return;
    this.#context.report(error, "delivery");
    const { subprotocol } = this.#connection.outbox.format.codec;
    this.#connection.close("INTERNAL", `a frame could not be written as ${subprotocol}`);
  }
}
