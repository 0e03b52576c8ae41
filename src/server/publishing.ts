import { after, type Awaitable } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { isThrown } from "../base/thrown.ts";
import type { RoomDefinition } from "../contract/contract.ts";
import type { RoomMatch } from "../contract/room-name.ts";
import type { AckFrame, ErrorFrame, Position, PublishFrame } from "../protocol/frames.ts";
import type { AppendResult, Broker, LogPage, Origin } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Insist } from "./insist.ts";
import { publicationText, type Publication } from "./neutral.ts";
import type { Limits } from "./limits.ts";
import { definitionOf, jsonOf, type Payloads, type Sending } from "./payloads.ts";
import { refusalFrame, refusalOf, SessionLost, tableError, type RefusalContext } from "./refusal.ts";
import type { Rooms } from "./rooms.ts";
import type { Sessions } from "./sessions.ts";
import type { WorkQueue } from "./work-queue.ts";

/** What {@link Publishing} needs of the node. */
export interface PublishingContext extends RefusalContext {
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly broker: Broker;
  readonly insist: Insist;
  readonly rooms: Rooms;
  readonly queue: WorkQueue;
  readonly sessions: Sessions;
}

/** A publication in a room's log. */
export interface StoredPublication extends Publication {
  readonly position: Position;
}

/** Publishes of one session to one room that wait or are handled on this node, over whichever of its connections they came. */
interface Line {
  readonly refs: Set<number>;
  /** One of them was given up: those behind it must not be stored before it, which is sent again with them. */
  isGivenUp: boolean;
}

/** Takes events from clients and from the server itself to the broker. */
export class Publishing {
  readonly #context: PublishingContext;
  /** By session and room; those that were given up are not here. */
  readonly #lines = new Map<string, Line>();

  constructor(context: PublishingContext) {
    this.#context = context;
  }

  /** A client's publish. Answers with an ack or an error, and never rejects. */
  async receivePublish(connection: Connection, frame: PublishFrame): Promise<void> {
    const { broker, insist, queue, sessions } = this.#context;
    const { ref, room } = frame;
    const { session, ledger } = connection;
    const origin: Origin = { session, ref, ledger };
    const name = `${session} ${room}`;
    const line = this.#lineOf(name);
    // Sent again while an earlier socket's is still at it: that one's answer will go to this connection.
    if (line.refs.has(ref)) return;
    line.refs.add(ref);
    const isNeeded = (): boolean => sessions.connectionOf(session) !== undefined;
    const find = (): Awaitable<Position | null> => insist(() => broker.find(room, origin), isNeeded);
    // Asked at once, for the ledger keeps the newest only, and the wait in the queue may be long.
    const early = frame.retry ? find() : null;
    if (early instanceof Promise) early.catch(ignore);
    await queue.run(session, room, connection.work, async (dropped) => {
      if (dropped) return this.#settle(name, line, ref);
      if (line.isGivenUp) return;
      // Nobody may have needed it in between, but now somebody does.
      const known = early instanceof Promise ? early.catch(find) : early;
      const answer = await this.#answerTo(connection, frame, origin, known);
      const current = sessions.connectionOf(session) ?? connection;
      if (isUnavailable(answer) && current.state === "closed") line.isGivenUp = true;
      this.#settle(name, line, ref);
      // Nothing was stored now, but an earlier attempt of the same may have been: no answer would be true.
      if (answer) current.send(answer);
      else sessions.receiveLost(connection);
    });
  }

  /** A publish of the server's own. */
  async publish({ room, event, payload }: Sending, id: string): Promise<Position> {
    const match = this.#context.rooms.match(room);
    const definition = definitionOf(match, event, "event", "server");
    const checked = await this.#context.payloads.outgoing(definition, { room, event, payload });
    return this.#append(match, { room, event, payload: checked }, { id, from: null });
  }

  /** The newest publications of a room, or the newest before a position, oldest first. */
  async history(room: string, limit: number, before?: Position): Promise<StoredPublication[]> {
    const { broker, insist, rooms } = this.#context;
    rooms.match(room);
    const read = (after: number, count: number): Awaitable<LogPage> =>
      insist(() => broker.read(room, after, count));
    let page = await read(0, 0);
    let after: number;
    do {
      if (before && before.epoch !== page.epoch) return [];
      const end = Math.min(page.head, before ? before.offset - 1 : Infinity);
      after = Math.max(page.base, end - limit);
      page = await read(after, Math.max(0, end - after));
      // Trimmed meanwhile: looked at again from where it begins now.
    } while (after < page.base);
    const { epoch, entries } = page;
    return entries.map(({ offset, data }) => ({
      ...(JSON.parse(data) as Publication),
      position: { offset, epoch },
    }));
  }

  #lineOf(name: string): Line {
    const line = this.#lines.get(name) ?? { refs: new Set(), isGivenUp: false };
    this.#lines.set(name, line);
    return line;
  }

  /** A publish of the line is over, one way or another. */
  #settle(name: string, line: Line, ref: number): void {
    line.refs.delete(ref);
    if ((line.isGivenUp || line.refs.size === 0) && this.#lines.get(name) === line) this.#lines.delete(name);
  }

  async #answerTo(
    connection: Connection,
    frame: PublishFrame,
    origin: Origin,
    known: Awaitable<Position | null>,
  ): Promise<AckFrame | ErrorFrame | null> {
    const { ref, room, event } = frame;
    try {
      const position = (known && (await known)) ?? (await this.#publish(connection, frame, origin));
      return { type: "ack", ref, position };
    } catch (error) {
      if (isThrown(error, SessionLost)) return null;
      const call = { kind: "publish", room, event, payload: frame.payload } as const;
      return refusalFrame({ ref }, refusalOf(error, this.#context, call, connection));
    }
  }

  async #publish(connection: Connection, frame: PublishFrame, origin: Origin): Promise<Position> {
    const { room, event } = frame;
    const match = this.#context.rooms.match(room);
    const definition = definitionOf(match, event, "event");
    // Whoever may join may publish; one who has joined was asked already.
    if (!connection.readerOf(room)) await this.#context.rooms.authorize(connection, room, match);
    const payload = await this.#context.payloads.receive(connection, frame, match, definition);
    const from = connection.userId;
    return this.#append(
      match,
      { room, event, payload },
      { id: `${origin.session}-${origin.ref}`, from },
      origin,
    );
  }

  #append(
    { definition }: RoomMatch<RoomDefinition>,
    { room, event, payload }: Sending,
    { id, from }: { readonly id: string; readonly from: string | null },
    origin?: Origin,
  ): Awaitable<Position> {
    const { broker, clock, insist, limits, sessions } = this.#context;
    const json = jsonOf(`the payload of "${event}" in ${room}`, payload, limits);
    const data = publicationText({ id, event, from, at: clock.now() }, json);
    const bound = definition.history;
    const append = (): Awaitable<AppendResult> =>
      broker.append({ room, data, bound, ...(origin && { origin }) });
    const isNeeded = (): boolean =>
      origin !== undefined && sessions.connectionOf(origin.session) !== undefined;
    return after(insist(append, isNeeded), positionOf);
  }
}

/** Where it was stored, now or by an earlier attempt; throws where it was not. */
function positionOf(result: AppendResult): Position {
  switch (result.outcome) {
    case "out-of-order":
      throw tableError("OUT_OF_ORDER");
    case "unknown-session":
      throw new SessionLost();
    case "conflict":
      throw new Error("the broker answered a conflict to an append without `ifAt`");
    default:
      return result.position;
  }
}

function ignore(): void {}

function isUnavailable(answer: AckFrame | ErrorFrame | null): boolean {
  return answer?.type === "error" && answer.code === "UNAVAILABLE";
}
