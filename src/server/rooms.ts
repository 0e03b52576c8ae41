import type { Clock } from "../base/clock.ts";
import type { Contract, RoomDefinition } from "../contract/contract.ts";
import { utf8Length } from "../base/utf8.ts";
import { roomParamBytesMax, type RoomMatch } from "../contract/room-name.ts";
import { check } from "../contract/schema.ts";
import { BowlineError } from "../protocol/errors.ts";
import { roomNameBytesMax, type JoinedFrame, type JoinRequest, type Position } from "../protocol/frames.ts";
import { stateLevelsMax } from "../protocol/payload.ts";
import type { Connection, UserLike } from "./connection.ts";
import type { Handlers } from "./handlers.ts";
import type { Hub } from "./hub.ts";
import type { Insist } from "./insist.ts";
import type { Limits } from "./limits.ts";
import { inTime, jsonOf } from "./payloads.ts";
import type { Presence } from "./presence.ts";
import type { Reader } from "./reader.ts";
import { invalid, refusalOf, tableError, type RefusalContext } from "./refusal.ts";

/** What {@link Rooms} needs of the node. */
export interface RoomsContext extends RefusalContext {
  readonly contract: Contract;
  readonly handlers: Handlers;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly hub: Hub;
  readonly insist: Insist;
  readonly presence: Presence;
}

/** Joining and leaving: who may enter a room, and what entering sets in motion. */
export class Rooms {
  readonly #context: RoomsContext;

  constructor(context: RoomsContext) {
    this.#context = context;
  }

  /** The room behind a name; refuses a name that no pattern of the contract fits. */
  match(room: string): RoomMatch<RoomDefinition> {
    const match = this.#context.contract.matchRoom(room);
    if (!match) throw unknownRoom(room);
    return match;
  }

  /** Refuses unless the `join` hook lets this connection's user in. */
  async authorize(connection: Connection, room: string, match: RoomMatch<RoomDefinition>): Promise<void> {
    const join = this.#context.handlers.rooms.get(match.pattern)?.join;
    if (!join) return;
    const { user, session } = connection;
    const deciding = join({ user: user as UserLike, session, room, params: match.params });
    const may = await inTime(this.#context, `the join hook of "${match.pattern}"`, deciding);
    if (may !== true)
      throw tableError("FORBIDDEN", undefined, `the join hook of "${match.pattern}" does not allow it`);
  }

  async join(connection: Connection, request: JoinRequest): Promise<void> {
    const { room, presence: payload } = request;
    try {
      const entry = await this.#admit(connection, request);
      if (entry) await this.#begin(connection, request, entry);
    } catch (error) {
      const call = { kind: "join", room, payload } as const;
      connection.refuse({ room, of: "join" }, refusalOf(error, this.#context, call, connection));
    }
  }

  leave(connection: Connection, room: string): void {
    const { logging } = this.#context;
    const reader = connection.readerOf(room);
    if (reader) this.#release(connection, reader);
    connection.send({ type: "left", room });
    if (reader && logging.isDebug) logging.debug(`left "${room}"`, connection, { room });
  }

  async setPresence(connection: Connection, room: string, payload: unknown): Promise<void> {
    try {
      const { definition } = this.match(room);
      const reader = connection.readerOf(room);
      if (!reader) throw tableError("NOT_JOINED");
      const state = await this.#checkState(room, definition, payload);
      if (!reader.left) await this.#present(connection, reader, state);
    } catch (error) {
      const call = { kind: "presence", room, payload } as const;
      connection.refuse({ room, of: "presence" }, refusalOf(error, this.#context, call, connection));
    }
  }

  /** Releases everything an ended connection held. */
  ended(connection: Connection): void {
    const present: string[] = [];
    for (const reader of connection.readers) {
      this.#context.hub.leave(reader);
      if (reader.present) present.push(reader.room.name);
    }
    this.#context.presence.ended(connection, present);
  }

  /** Everything up to a reader on the connection; null if that ended meanwhile. */
  async #admit(connection: Connection, request: JoinRequest): Promise<Entry | null> {
    const { hub, insist, limits } = this.#context;
    const { room, presence } = request;
    // Counted before anything is awaited: any number may be joining at the same time.
    connection.joining += 1;
    try {
      const match = this.match(room);
      if (connection.readerOf(room))
        throw new BowlineError("INVALID", "this connection has joined this room already");
      if (connection.readers.length + connection.joining > limits.rooms)
        throw tableError(
          "TOO_MANY_ROOMS",
          undefined,
          `this connection is in ${limits.rooms} rooms, as many as it may be (limits.rooms)`,
        );
      await this.authorize(connection, room, match);
      const { definition } = match;
      const state = presence === undefined ? null : await this.#checkState(room, definition, presence);
      if (connection.state !== "open") return null;
      const history = Math.min(request.history ?? 0, limits.historyCount);
      const subscribe = (): Promise<Reader> => hub.join(room, definition.history, connection.outbox, history);
      const reader = await insist(subscribe, () => connection.state === "open");
      if (isClosed(connection)) {
        hub.leave(reader);
        return null;
      }
      // On the connection before anything else is awaited: its end releases all that is on it.
      connection.readers = [...connection.readers, reader];
      return { reader, state, definition };
    } finally {
      connection.joining -= 1;
    }
  }

  async #begin(
    connection: Connection,
    { position }: JoinRequest,
    { reader, state, definition }: Entry,
  ): Promise<void> {
    try {
      if (state) await this.#present(connection, reader, state);
      const enter = (): Promise<void> => this.#enter(connection, reader, position, definition);
      // Only a list is large. It is made in its turn, too: it holds memory from there on.
      await (definition.presence ? connection.own.pace(enter) : enter());
    } catch (error) {
      this.#release(connection, reader);
      throw error;
    }
  }

  /** Answers the join, and starts to read. */
  async #enter(
    connection: Connection,
    reader: Reader,
    position: Position | undefined,
    { presence }: RoomDefinition,
  ): Promise<void> {
    const { insist, logging } = this.#context;
    const { room } = reader;
    const isNeeded = (): boolean => !reader.left;
    if (reader.left) return;
    const members = presence && (await insist(() => room.members(), isNeeded));
    const answer = (start: Position): void => {
      // One that comes from a node which is ahead of this one has read what has not arrived here.
      const head = Math.max(room.sent, start.offset);
      const frame: JoinedFrame = { type: "joined", room: room.name, position: start, head };
      if (members) connection.own.joined(frame, members);
      else connection.send(frame);
    };
    await insist(() => reader.begin(position, answer), isNeeded);
    if (logging.isDebug) logging.debug(`joined "${room.name}"`, connection, { room: room.name });
  }

  /** As the schema gives it, and as JSON will have it: what JSON can't hold is refused here, and not in what others are told. */
  async #checkState(room: string, { presence }: RoomDefinition, given: unknown): Promise<CheckedState> {
    if (!presence) throw new BowlineError("INVALID", `${room} has no presence`);
    const checked = await inTime(this.#context, `the presence schema of ${room}`, check(presence, given));
    if (checked.issues) throw invalid(`the presence state in ${room}`, checked.issues);
    const { limits } = this.#context;
    const json = jsonOf(`the presence state in ${room}`, checked.value, limits, stateLevelsMax);
    const max = limits.presenceStateBytes;
    const bytes = utf8Length(json);
    if (bytes <= max) return { value: JSON.parse(json) as unknown };
    const what = `${room}: the presence state has ${bytes} bytes, and may have ${max} (limits.presenceStateBytes)`;
    throw new BowlineError("PAYLOAD_TOO_LARGE", what);
  }

  #release(connection: Connection, reader: Reader): void {
    connection.readers = connection.readers.filter((other) => other !== reader);
    this.#context.hub.leave(reader);
    if (reader.present) this.#context.presence.exit(connection, reader.room.name);
  }

  async #present(connection: Connection, reader: Reader, state: CheckedState): Promise<void> {
    const { insist, presence } = this.#context;
    reader.present = true;
    const { name } = reader.room;
    await insist(
      () => presence.enter(connection, name, state.value),
      () => !reader.left,
    );
    if (reader.left) presence.enteredLate(connection, name);
  }
}

/** A connection that was let into a room. */
interface Entry {
  readonly reader: Reader;
  readonly state: CheckedState | null;
  readonly definition: RoomDefinition;
}

/** Asked anew: what was seen before an await says nothing after it. */
function isClosed({ state }: Connection): boolean {
  return state === "closed";
}

/** A presence state that fits its schema. */
interface CheckedState {
  readonly value: unknown;
}

function unknownRoom(room: string): BowlineError {
  // A name is at least as long as its longest parameter.
  const bounds =
    utf8Length(room) > roomParamBytesMax
      ? `: a name may have ${roomNameBytesMax} bytes in UTF-8, and a parameter ${roomParamBytesMax}`
      : "";
  return tableError("UNKNOWN_ROOM", undefined, `no room pattern of the contract fits "${room}"${bounds}`);
}
