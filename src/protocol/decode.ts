import {
  roomNameLengthMax,
  type ClientFrame,
  type ErrorSubject,
  type HelloFrame,
  type JoinRequest,
  type Position,
  type ServerFrame,
} from "./frames.ts";

/** A message that is no frame. `message` says what was wrong with it, for the close reason or the refusal. */
export class FrameError extends Error {
  override readonly name: string = "FrameError";
  /** What it was about, where that much could be read: that is refused, and the connection goes on. */
  readonly subject: ErrorSubject | null;

  constructor(message: string, subject: ErrorSubject | null = null) {
    super(message);
    this.subject = subject;
  }
}

type Fields = Record<string, unknown>;

/** Deepest nesting of arrays and objects in a frame: deeper ones parse, but overflow the stack of what handles them. */
export const depthMax = 200;
/** Longest event or request name, in UTF-16 units. */
export const eventNameLengthMax = 128;

/** At least 128 bits. */
const secretPattern = /^[A-Za-z0-9_-]{22,64}$/;

/**
 * Parses one message of a client. Everything past this trusts the shape of what it gets: unknown fields are let
 * through unread, unknown types and wrong fields throw {@link FrameError}.
 */
export function decodeClientFrame(text: string): ClientFrame {
  const frame = parseObject(text);
  try {
    // Each room of a hello is looked at by itself.
    if (frame["type"] !== "hello") checkShape(frame, text);
    checkFrame(frame, text);
  } catch (error) {
    throw new FrameError((error as Error).message, subjectOf(frame));
  }
  return frame as unknown as ClientFrame;
}

function checkFrame(frame: Fields, text: string): void {
  switch (frame["type"]) {
    case "publish":
      checkRef(frame);
      checkRoom(frame);
      checkName(frame, "event");
      return checkPayload(frame);
    case "request":
      checkRef(frame);
      checkName(frame, "request");
      return checkPayload(frame);
    case "signal":
      checkRoom(frame);
      checkName(frame, "event");
      return checkPayload(frame);
    case "presence":
      checkRoom(frame);
      return checkPayload(frame);
    case "join":
      return checkJoin(frame);
    case "leave":
      return checkRoom(frame);
    case "hello":
      return checkHello(frame, text);
    case "ping":
    case "pong":
      return;
    default:
      throw new FrameError(`unknown frame type ${show(frame["type"])}`);
  }
}

/** What a frame is about that has a sound part which says so. */
function subjectOf({ type, ref, room }: Fields): ErrorSubject | null {
  if (type === "publish" || type === "request") return isRef(ref) ? { ref } : null;
  const isAboutRoom = type === "join" || type === "leave" || type === "signal" || type === "presence";
  return isAboutRoom && isText(room, roomNameLengthMax) ? { room, of: type } : null;
}

/**
 * Parses one message of a server. Checks only that it is an object with a type: a client has chosen its server, and
 * passes over types it does not know, so that a newer server can speak to it.
 */
export function decodeServerFrame(text: string): ServerFrame {
  const frame: unknown = JSON.parse(text);
  if (typeof frame !== "object" || frame === null) throw new TypeError("not an object");
  return frame as ServerFrame;
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError("not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new FrameError("not an object");
  return value as Fields;
}

/** Refuses what would harm whoever handles it, wherever in the value it is. `text` is what it was parsed from. */
function checkShape(value: object, text: string): void {
  // Each level takes two characters at least, so short frames need no look.
  if (text.length > depthMax * 2 && isDeeper(value, depthMax)) {
    throw new FrameError(`nested deeper than ${depthMax} levels`);
  }
  // JSON.parse makes `__proto__` an own property, harmless until some handler merges the payload into an object of its
  // own. An escape sequence can spell it too, so both put the frame under the slow check.
  if ((text.includes("__proto__") || text.includes("\\u")) && hasProtoKey(value)) {
    throw new FrameError("the key __proto__ is not allowed");
  }
}

function isDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const key in value) {
    const inner = (value as Fields)[key];
    if (typeof inner === "object" && inner !== null && isDeeper(inner, levels - 1)) return true;
  }
  return false;
}

function hasProtoKey(root: object): boolean {
  const open: object[] = [root];
  for (let value = open.pop(); value; value = open.pop()) {
    if (Object.hasOwn(value, "__proto__")) return true;
    for (const inner of Object.values(value)) {
      if (typeof inner === "object" && inner !== null) open.push(inner as object);
    }
  }
  return false;
}

function checkRef(frame: Fields): void {
  const ref = frame["ref"];
  if (!isRef(ref)) throw new FrameError(`ref must be a whole number from 1, not ${show(ref)}`);
}

function isRef(ref: unknown): ref is number {
  return isCount(ref) && ref > 0;
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= lengthMax;
}

function checkRoom(frame: Fields): void {
  checkText(frame["room"], "room", roomNameLengthMax);
}

function checkName(frame: Fields, field: string): void {
  checkText(frame[field], field, eventNameLengthMax);
}

function checkText(value: unknown, field: string, lengthMax: number): void {
  if (isText(value, lengthMax)) return;
  if (typeof value !== "string") throw new FrameError(`${field} must be a string, not ${show(value)}`);
  throw new FrameError(`${field} must have 1 to ${lengthMax} characters, not ${value.length}`);
}

function checkPayload(frame: Fields): void {
  if (frame["payload"] === undefined) throw new FrameError("payload is missing (send null for none)");
}

function checkJoin(frame: Fields): asserts frame is Fields & JoinRequest {
  checkRoom(frame);
  const { position, history } = frame;
  if (position !== undefined) checkPosition(position);
  if (history !== undefined && !isCount(history)) {
    throw new FrameError(`history must be a whole number from 0, not ${show(history)}`);
  }
}

function checkPosition(value: unknown): asserts value is Position {
  const { offset, epoch } = (value ?? {}) as Fields;
  if (!isCount(offset) || typeof epoch !== "string" || epoch.length > 64) {
    throw new FrameError("position must be {offset: whole number from 0, epoch: string}");
  }
}

function checkHello(frame: Fields, text: string): asserts frame is Fields & HelloFrame {
  const { secret, generation, rooms } = frame;
  if (typeof secret !== "string" || !secretPattern.test(secret)) {
    throw new FrameError("secret must be 22 to 64 characters of A-Z a-z 0-9 _ -");
  }
  if (!isCount(generation))
    throw new FrameError(`generation must be a whole number from 0, not ${show(generation)}`);
  if (!Array.isArray(rooms)) throw new FrameError("rooms must be an array");
  const refused: NonNullable<HelloFrame["refused"]>[number][] = [];
  frame["rooms"] = (rooms as unknown[]).filter((join) => {
    if (typeof join !== "object" || join === null) throw new FrameError("rooms must hold objects");
    checkRoom(join as Fields);
    try {
      checkShape(join, text);
      checkJoin(join as Fields);
      return true;
    } catch (error) {
      refused.push({ room: (join as JoinRequest).room, message: (error as Error).message });
      return false;
    }
  });
  frame["refused"] = refused.length > 0 ? refused : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A short, safe picture of a value for an error text: a close reason has 123 bytes. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 24 ? `${value.slice(0, 24)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
