import { after, isPromised, type Awaitable } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { within } from "../base/deadline.ts";
import { fits, utf8Length } from "../base/utf8.ts";
import type { EventDefinition, RoomDefinition, SignalDefinition } from "../contract/contract.ts";
import type { RoomMatch } from "../contract/room-name.ts";
import { check, type Checked, type Schema } from "../contract/schema.ts";
import { BowlineError } from "../protocol/errors.ts";
import { toJson } from "../protocol/payload.ts";
import type { Connection, UserLike } from "./connection.ts";
import type { Handlers } from "./handlers.ts";
import { frameHeadBytes, type Limits } from "./limits.ts";
import { invalid, tableError } from "./refusal.ts";

/** An event or signal that somebody wants to send to a room. */
export interface Sending {
  readonly room: string;
  readonly event: string;
  readonly payload: unknown;
}

/** What {@link Payloads} needs of the node. */
export interface PayloadsContext {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly handlers: Handlers;
  /** Whether what handlers and the server itself send is held against its schema too. */
  readonly checkOutgoing: boolean;
}

/** Holds payloads of events and signals against their schemas, and shows those of clients to the handlers. */
export class Payloads {
  readonly #context: PayloadsContext;

  constructor(context: PayloadsContext) {
    this.#context = context;
  }

  /** Checks a client's payload and lets the handler change or refuse it. */
  receive(
    connection: Connection,
    { room, event, payload }: Sending,
    { pattern, params }: RoomMatch<RoomDefinition>,
    { payload: schema }: EventDefinition | SignalDefinition,
  ): Awaitable<unknown> {
    const { handlers, checkOutgoing } = this.#context;
    const handler = handlers.rooms.get(pattern)?.on?.[event];
    const checking = this.#check(schema, { room, event, payload });
    if (!handler) return checking;
    return after(checking, (checked) => {
      const { user, session } = connection;
      const handling = handler({ user: user as UserLike, session, room, params, payload: checked });
      return after(inTime(this.#context, `the handler of "${event}"`, handling), (changed) => {
        if (changed === undefined) return checked;
        if (!checkOutgoing) return changed;
        const own = inTime(this.#context, `the schema of "${event}"`, check(schema, changed));
        return after(own, (value) => ownValue(value, event));
      });
    });
  }

  /** Checks a payload of the server's own, if that is asked for. */
  async outgoing(
    { payload: schema }: EventDefinition | SignalDefinition,
    sending: Sending,
  ): Promise<unknown> {
    return this.#context.checkOutgoing ? this.#check(schema, sending) : sending.payload;
  }

  #check(schema: Schema, { room, event, payload }: Sending): Awaitable<unknown> {
    const checking = inTime(this.#context, `the schema of "${event}"`, check(schema, payload));
    return after(checking, (checked) => {
      if (checked.issues) throw invalid(`the payload of "${event}" in ${room}`, checked.issues);
      return checked.value;
    });
  }
}

/** A hook, handler or schema took longer than it may. */
export class TookTooLong extends Error {
  override readonly name: string = "TookTooLong";
}

/**
 * What a hook, handler or schema gives. One that does not come to an end is given up: whatever is behind it would wait for
 * ever. What becomes of it then, nobody hears.
 */
export function inTime<T>(
  { clock, limits }: Pick<PayloadsContext, "clock" | "limits">,
  what: string,
  result: Awaitable<T>,
  limit: "handlerMs" | "requestMs" = "handlerMs",
): Awaitable<T> {
  if (!isPromised(result)) return result;
  return within(
    clock,
    limits[limit],
    Promise.resolve(result),
    () => new TookTooLong(`${what} took longer than ${limits[limit]} ms (limits.${limit})`),
  );
}

/**
 * A payload of this server's making as JSON. A `TypeError` says what it is, and why, where it is nothing for JSON, or more
 * than a frame may hold.
 */
export function jsonOf(
  what: string,
  payload: unknown,
  { frameBytes }: Pick<Limits, "frameBytes">,
  levelsMax?: number,
): string {
  let json: string;
  try {
    json = toJson(payload, levelsMax);
    if (hasLoneSurrogate(json))
      throw new TypeError("a text or name has a lone surrogate, half of a character");
  } catch (cause) {
    throw new TypeError(`${what} can't be written as JSON: ${messageOf(cause)}`, { cause });
  }
  const bytesMax = frameBytes - frameHeadBytes;
  if (!fits(json, bytesMax))
    throw new TypeError(
      `${what} has ${utf8Length(json)} bytes, and may have ${bytesMax}, which is limits.frameBytes less ${frameHeadBytes}`,
    );
  return json;
}

/** Of JSON as `JSON.stringify` writes it. */
function hasLoneSurrogate(json: string): boolean {
  // Only these are escaped; without the backslashes that are escaped themselves, each one begins an escape sequence.
  return json.includes("\\ud") && /\\ud[89a-f]/.test(json.replaceAll("\\\\", ""));
}

/** The event or signal of that name, if `from` may send it. */
export function definitionOf<Kind extends "event" | "signal">(
  { pattern, definition: { events } }: RoomMatch<RoomDefinition>,
  name: string,
  kind: Kind,
  from: "client" | "server" = "client",
): Extract<EventDefinition | SignalDefinition, { readonly kind: Kind }> {
  const definition = Object.hasOwn(events, name) ? events[name] : undefined;
  if (definition?.kind !== kind)
    throw tableError("UNKNOWN_EVENT", undefined, `the contract has no ${kind} "${name}" in "${pattern}"`);
  if (from === "client" && definition.from === "server") {
    throw new BowlineError("FORBIDDEN", `"${name}" is published by the server only`);
  }
  return definition as Extract<EventDefinition | SignalDefinition, { readonly kind: Kind }>;
}

/** What a handler made is the server's own: if it does not fit, the fault is not the client's. */
function ownValue(checked: Checked, event: string): unknown {
  if (!checked.issues) return checked.value;
  const { path, message } = checked.issues[0] ?? { path: [], message: "" };
  throw new TypeError(
    `the handler of "${event}" returned what its schema refuses, at ${path.join(".") || "the root"}: ${message}`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
