import type { Awaitable } from "../base/awaitable.ts";
import { Countdown } from "../base/countdown.ts";
import type { ClientFrame, HelloFrame, JoinRequest, PublishFrame, RequestFrame } from "../protocol/frames.ts";
import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { Logging } from "./logging/logging.ts";
import type { Publishing } from "./publishing.ts";
import { tableError, turnDown } from "./refusal.ts";
import type { Requests } from "./requests.ts";
import type { Rooms } from "./rooms.ts";
import type { Signals } from "./signals.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Where the router takes frames to. */
export interface RouterContext {
  readonly limits: Limits;
  readonly logging: Logging;
  readonly queue: WorkQueue;
  readonly rooms: Rooms;
  readonly publishing: Publishing;
  readonly signals: Signals;
  readonly requests: Requests;
}

/**
 * Takes each frame of an open connection to what handles it. What concerns one room is handled in the order it came;
 * requests and signals wait for nobody.
 */
export class Router {
  readonly #context: RouterContext;
  readonly #working = new Countdown();

  constructor(context: RouterContext) {
    this.#context = context;
  }

  receive(connection: Connection, frame: Exclude<ClientFrame, HelloFrame>): void {
    const { rooms, signals } = this.#context;
    switch (frame.type) {
      case "publish":
      case "request":
        return this.#call(connection, frame);
      case "signal":
        return this.#other(connection, frame, () => signals.receive(connection, frame));
      case "join":
        return this.join(connection, frame);
      case "leave":
        return this.#other(connection, frame, () =>
          this.#inOrder(connection, frame.room, async () => rooms.leave(connection, frame.room)),
        );
      case "presence":
        return this.#other(connection, frame, () =>
          this.#inOrder(connection, frame.room, () =>
            rooms.setPresence(connection, frame.room, frame.payload),
          ),
        );
      case "ping":
        return connection.send({ type: "pong" });
      case "pong":
        return;
    }
  }

  join(connection: Connection, request: JoinRequest): void {
    const { room } = request;
    this.#other(connection, { type: "join", room }, () =>
      this.#inOrder(connection, room, () => this.#context.rooms.join(connection, request)),
    );
  }

  /** Settles when nothing is being worked on. */
  idle(): Promise<void> {
    return this.#working.zero();
  }

  /** Works on a frame after the earlier ones of the same session and room. */
  #inOrder(connection: Connection, room: string, task: () => Promise<void>): Promise<void> {
    return this.#context.queue.run(connection.session, room, connection.work, (dropped) =>
      dropped ? undefined : task(),
    );
  }

  /** Works on a publish or request. Their refs only rise on a connection: what is sent again is sent first. */
  #call(connection: Connection, frame: PublishFrame | RequestFrame): void {
    const { limits, publishing, requests } = this.#context;
    const { ref } = frame;
    if (ref <= connection.ref)
      return connection.close("BAD_FRAME", `ref ${ref} came after ref ${connection.ref}`);
    connection.ref = ref;
    // What a client sends again after a reconnect may have been answered over this connection meanwhile, and the place
    // is taken by something new on its side already.
    if (connection.pendingCalls >= 2 * limits.pending)
      return turnDown(connection, this.#context.logging, { ref }, tableError("TOO_MANY_PENDING"));
    const work =
      frame.type === "publish"
        ? publishing.receivePublish(connection, frame)
        : requests.receive(connection, frame);
    this.#track(connection, "pendingCalls", work);
  }

  /** Works on any other frame. A hello alone may join as many rooms as there may be, and must not use up the window. */
  #other(connection: Connection, frame: OtherFrame, task: () => Promise<void>): void {
    const { pending, rooms } = this.#context.limits;
    const subject = { room: frame.room, of: frame.type };
    if (connection.pendingOthers >= pending + rooms)
      return turnDown(connection, this.#context.logging, subject, tableError("TOO_MANY_PENDING"));
    this.#track(connection, "pendingOthers", task());
  }

  /** Counts work as pending for as long as it takes. */
  #track(connection: Connection, kind: "pendingCalls" | "pendingOthers", work: Awaitable<void>): void {
    if (!(work instanceof Promise)) return;
    connection[kind] += 1;
    this.#working.add();
    const done = (): void => {
      connection[kind] -= 1;
      this.#working.done();
    };
    // oxlint-disable-next-line promise/no-callback-in-promise
    void work.then(done, done);
  }
}

interface OtherFrame {
  readonly type: "join" | "leave" | "signal" | "presence";
  readonly room: string;
}
