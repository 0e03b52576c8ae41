import type { Awaitable } from "../base/awaitable.ts";
import { checkOptions, nearest, shownValue } from "../base/options.ts";
import { fits } from "../base/utf8.ts";
import { inboxPattern } from "../contract/contract.ts";
import { eventNameBytesMax } from "../protocol/decode.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { Contract, RequestDefinition, RoomDefinition } from "../contract/contract.ts";
import type {
  ClientEventNames,
  PayloadIn,
  PayloadOut,
  RequestPayload,
  RequestResult,
} from "../contract/infer.ts";
import type { Params } from "../contract/room-name.ts";
import type { UserLike } from "./connection.ts";

/** What every handler of a room is told. */
export interface RoomContext<User, Pattern extends string> {
  /** What `authenticate` returned for this connection. */
  readonly user: User;
  /** The room's name, e.g. `chat/lobby`. */
  readonly room: string;
  /** The values of the pattern's parameters. */
  readonly params: Params<Pattern>;
  /** The public id of the client's session. */
  readonly session: string;
}

/** What the handler of an event or signal is told. */
export interface PublishContext<User, Pattern extends string, Payload> extends RoomContext<User, Pattern> {
  /** As the schema gave it. */
  readonly payload: Payload;
}

/** Hooks of one kind of room. All are optional. */
export interface RoomHandlers<User, Pattern extends string, R extends RoomDefinition> {
  /**
   * Who may join, and so read and publish. Return false, or throw a `BowlineError`, to refuse. Without it everybody whom
   * `authenticate` let in may. Runs on every join and rejoin, and on a publish to a room that was not joined.
   */
  readonly join?: (context: RoomContext<User, Pattern>) => Awaitable<boolean>;
  /**
   * By event or signal: runs before anything is stored. Return a payload to publish that instead, nothing to publish
   * what came, or throw a `BowlineError` to refuse. One client's publishes to one room are handled one after another.
   */
  readonly on?: {
    readonly [Name in ClientEventNames<R>]?: (
      context: PublishContext<User, Pattern, PayloadOut<R["events"][Name]>>,
    ) => Awaitable<PayloadIn<R["events"][Name]> | void>;
  };
}

/** What the handler of a request is told. */
export interface RequestContext<User, D extends RequestDefinition> {
  /** What `authenticate` returned for this connection. */
  readonly user: User;
  /** The public id of the client's session. */
  readonly session: string;
  readonly payload: RequestPayload<D>;
  /** Makes the error to throw for one of the codes that the contract declares for this request. */
  readonly refuse: (code: D["errors"][number], message?: string) => BowlineError;
}

/** Answers a request: return the reply, or throw a `BowlineError` to refuse. */
export type RequestHandler<User, D extends RequestDefinition> = (
  context: RequestContext<User, D>,
) => Awaitable<RequestResult<D>>;

type AnyContext = PublishContext<UserLike, string, unknown>;

/** A room's hooks with the types worn off: what the machine behind the typed face calls. */
export interface UntypedRoomHandlers {
  readonly join?: (context: Omit<AnyContext, "payload">) => Awaitable<boolean>;
  readonly on?: Readonly<Record<string, ((context: AnyContext) => Awaitable<unknown>) | undefined>>;
}

/** A request's handler with the types worn off. */
export type UntypedRequestHandler = (context: {
  readonly user: UserLike;
  readonly session: string;
  readonly payload: unknown;
  readonly refuse: (code: string, message?: string) => BowlineError;
}) => Awaitable<unknown>;

/** What was registered on a server. */
export class Handlers {
  readonly rooms: Map<string, UntypedRoomHandlers> = new Map();
  readonly requests: Map<string, UntypedRequestHandler> = new Map();
  readonly #contract: Contract;

  constructor(contract: Contract) {
    this.#contract = contract;
    checkNames(contract);
    // An inbox is its user's own.
    if (contract.hasInbox)
      this.rooms.set(inboxPattern, {
        join: ({ user, params }) => params["user"] === encodeURIComponent(user.id),
      });
  }

  addRoom(pattern: string, handlers: UntypedRoomHandlers): void {
    if (typeof pattern !== "string")
      throw new TypeError(`server.room: the pattern must be a string, not ${shownValue(pattern)}`);
    const { rooms } = this.#contract;
    const definition = Object.hasOwn(rooms, pattern) ? rooms[pattern] : undefined;
    if (!definition)
      throw new TypeError(`server.room: the contract has no room ${nearest(pattern, rooms)} ${known(rooms)}`);
    if (this.rooms.has(pattern))
      throw new TypeError(
        `server.room: "${pattern}" has its handlers already: register "join" and "on" in one call`,
      );
    checkOptions(`server.room, "${pattern}"`, handlers, { join: 1, on: 1 });
    if (handlers.join) checkFunction(`server.room, "${pattern}": join`, handlers.join);
    const { on } = handlers;
    if (on !== undefined && (typeof on !== "object" || !on))
      throw new TypeError(`server.room, "${pattern}": on must be an object, not ${shownValue(on)}`);
    for (const [name, handler] of Object.entries(on ?? {})) {
      const event = Object.hasOwn(definition.events, name) ? definition.events[name] : undefined;
      if (!event)
        throw new TypeError(
          `server.room: "${pattern}" has no event ${nearest(name, definition.events)} ${known(definition.events)}`,
        );
      if (event.from === "server")
        throw new TypeError(`server.room: "${name}" comes from the server and needs no handler`);
      if (handler) checkFunction(`server.room, "${pattern}": on.${name}`, handler);
    }
    this.rooms.set(pattern, handlers);
  }

  addRequest(name: string, handler: UntypedRequestHandler): void {
    const { requests } = this.#contract;
    if (!Object.hasOwn(requests, name)) {
      throw new TypeError(
        `server.request: the contract has no request ${nearest(name, requests)} ${known(requests)}`,
      );
    }
    checkFunction(`server.request, "${name}": the handler`, handler);
    if (this.requests.has(name)) throw new TypeError(`server.request: "${name}" has a handler already`);
    this.requests.set(name, handler);
  }

  /** Throws when a request of the contract has nobody to answer it. */
  checkComplete(): void {
    const missing = Object.keys(this.#contract.requests).filter((name) => !this.requests.has(name));
    if (missing.length > 0)
      throw new TypeError(`nothing answers the request "${missing[0]}": call server.request first`);
  }
}

/** Refuses names that no frame may bear: whoever sent them would be told that the frame is broken. */
function checkNames({ rooms, requests }: Contract): void {
  const events = Object.values(rooms).flatMap((room) => Object.keys(room.events));
  for (const name of [...events, ...Object.keys(requests)])
    if (name === "" || !fits(name, eventNameBytesMax) || !name.isWellFormed())
      throw new TypeError(
        `createServer: the contract has an event or request named ${shownValue(name)}: names have 1 to ${eventNameBytesMax} bytes in UTF-8, and no lone surrogates`,
      );
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`${name} must be a function, not ${typeof value}`);
}

function known(names: object): string {
  const list = Object.keys(names);
  return list.length > 0 ? `It has ${list.map((name) => `"${name}"`).join(", ")}` : "It has none";
}
