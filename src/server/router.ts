import { Countdown } from "../base/countdown.ts";
import type { ClientFrame, HelloFrame, JoinRequest, PublishFrame, RequestFrame } from "../protocol/frames.ts";
import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { Publishing } from "./publishing.ts";
import type { Requests } from "./requests.ts";
import type { Rooms } from "./rooms.ts";
import { WorkQueue } from "./work-queue.ts";

/** Where the router takes frames to. */
export interface RouterContext {
  readonly limits: Limits;
  readonly rooms: Rooms;
  readonly publishing: Publishing;
  readonly requests: Requests;
}

/**
 * Takes each frame of an open connection to what handles it. What concerns one room is handled in the order it came;
 * requests and signals wait for nobody.
 */
export class Router {
  readonly #context: RouterContext;
  readonly #queue = new WorkQueue();
  readonly #working = new Countdown();

  constructor(context: RouterContext) {
    this.#context = context;
  }

  receive(connection: Connection, frame: Exclude<ClientFrame, HelloFrame>): void {
    const { rooms, publishing, requests } = this.#context;
    switch (frame.type) {
      case "publish":
        if (!this.#takesRef(connection, frame)) return;
        return this.#inRoom(connection, frame, () => publishing.receivePublish(connection, frame));
      case "request":
        if (!this.#takesRef(connection, frame)) return;
        return this.#work(connection, frame, () => requests.receive(connection, frame));
      case "signal":
        return this.#work(connection, frame, () => publishing.receiveSignal(connection, frame));
      case "join":
        return this.join(connection, frame);
      case "leave":
        return this.#inRoom(connection, frame, async () => rooms.leave(connection, frame.room));
      case "presence":
        return this.#inRoom(connection, frame, () => rooms.setPresence(connection, frame.room, frame.payload));
      case "ping":
        return connection.send({ type: "pong" });
      case "pong":
        return;
    }
  }

  join(connection: Connection, request: JoinRequest): void {
    this.#inRoom(connection, { room: request.room }, () => this.#context.rooms.join(connection, request));
  }

  /** Settles when nothing is being worked on. */
  idle(): Promise<void> {
    return this.#working.zero();
  }

  /** Refs only rise on a connection: what is sent again is sent first. */
  #takesRef(connection: Connection, { ref }: PublishFrame | RequestFrame): boolean {
    if (ref <= connection.ref) {
      connection.close("BAD_FRAME", `ref ${ref} came after ref ${connection.ref}`);
      return false;
    }
    connection.ref = ref;
    return true;
  }

  /** Works on a frame after the earlier ones of the same session and room. */
  #inRoom(connection: Connection, about: About & { readonly room: string }, task: () => Promise<void>): void {
    const key = `${connection.session} ${about.room}`;
    this.#work(connection, about, () => this.#queue.run(key, task));
  }

  /** Works on a frame, unless the connection has as much in work as it may. */
  #work(connection: Connection, { ref, room }: About, task: () => Promise<void>): void {
    const { pending, rooms } = this.#context.limits;
    const kind = ref === undefined ? "pendingOthers" : "pendingCalls";
    // A hello alone may join as many rooms as there may be, and must not use up the window.
    if (connection[kind] >= (ref === undefined ? pending + rooms : pending)) {
      return connection.refuseAs(ref === undefined ? { ...(room !== undefined && { room }) } : { ref }, "TOO_MANY_PENDING");
    }
    connection[kind] += 1;
    this.#working.add();
    void task().finally(() => {
      connection[kind] -= 1;
      this.#working.done();
    });
  }
}

/** What an error answering a frame refers to. */
interface About {
  readonly ref?: number;
  readonly room?: string;
}
