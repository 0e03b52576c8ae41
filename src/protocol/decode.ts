import { fits, utf8Length } from "../base/utf8.ts";
import {
  ledgerNameBytesMax,
  roomNameBytesMax,
  type ClientFrame,
  type ErrorSubject,
  type HelloFrame,
  type JoinRequest,
  type Position,
  type ServerFrame,
} from "./frames.ts";
import { shapeFlaw } from "./shape.ts";

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

/** Longest event or request name, in bytes of UTF-8. */
export const eventNameBytesMax = 128;
/** Where a presence state may come to stand: as that of a room of a hello, or of a member in a list. */
const presenceLevel = 3;

/** Longest hash of a contract that a hello may have. */
const contractHashLengthMax = 64;

/** At least 128 bits. */
const secretPattern = /^[A-Za-z0-9_-]{22,64}$/;

/**
 * Parses one message of a client. Everything past this trusts the shape of what it gets: unknown fields are let
 * through unread, unknown types and wrong fields throw {@link FrameError}.
 */
export function decodeClientFrame(text: string): ClientFrame {
  const frame = parseObject(text);
  try {
    checkFrame(frame, text);
  } catch (error) {
    throw new FrameError((error as Error).message, subjectOf(frame));
  }
  return frame as unknown as ClientFrame;
}

function checkFrame(frame: Fields, text: string): void {
  switch (frame["type"]) {
    case "publish":
      checkShape(frame, 1, text);
      checkRef(frame);
      checkRoom(frame);
      checkName(frame, "event");
      checkRetry(frame);
      return checkPayload(frame);
    case "request":
      checkShape(frame, 1, text);
      checkRef(frame);
      checkName(frame, "request");
      return checkPayload(frame);
    case "signal":
      checkShape(frame, 1, text);
      checkRoom(frame);
      checkName(frame, "event");
      return checkPayload(frame);
    case "presence":
      checkShape(frame, presenceLevel, text);
      checkRoom(frame);
      return checkPayload(frame);
    case "join":
      checkShape(frame, presenceLevel, text);
      return checkJoin(frame);
    case "leave":
      checkShape(frame, 1, text);
      return checkRoom(frame);
    case "hello":
      return checkHello(frame, text);
    case "ping":
    case "pong":
      return checkShape(frame, 1, text);
    default:
      throw new FrameError(`unknown frame type ${show(frame["type"])}`);
  }
}

/** What a frame is about that has a sound part which says so. */
function subjectOf({ type, ref, room }: Fields): ErrorSubject | null {
  if (type === "publish" || type === "request") return isRef(ref) ? { ref } : null;
  const isAboutRoom = type === "join" || type === "leave" || type === "signal" || type === "presence";
  return isAboutRoom && isText(room, roomNameBytesMax) ? { room, of: type } : null;
}

/**
 * Parses one message of a server. Checks only that it is an object with a type: a client has chosen its server, and
 * passes over types it does not know, so that a newer server can speak to it.
 */
export function decodeServerFrame(text: string): ServerFrame {
  const frame: unknown = JSON.parse(text);
  if (Object(frame) !== frame) throw new TypeError("not an object");
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

/** `text` is what it was parsed from, `level` where the value stands in its frame. */
function checkShape(value: object, level: number, text: string): void {
  const flaw = shapeFlaw(value, level, text);
  if (flaw) throw new FrameError(flaw);
}

function checkRef(frame: Fields): void {
  const ref = frame["ref"];
  if (!isRef(ref)) throw new FrameError(`ref must be a whole number from 1, not ${show(ref)}`);
}

function isRef(ref: unknown): ref is number {
  return isCount(ref) && ref > 0;
}

function isText(value: unknown, bytesMax: number): value is string {
  return typeof value === "string" && value.length > 0 && fits(value, bytesMax) && value.isWellFormed();
}

function checkRoom(frame: Fields): void {
  checkText(frame["room"], "room", roomNameBytesMax);
}

function checkName(frame: Fields, field: string): void {
  checkText(frame[field], field, eventNameBytesMax);
}

function checkText(value: unknown, field: string, bytesMax: number): void {
  if (isText(value, bytesMax)) return;
  if (typeof value !== "string") throw new FrameError(`${field} must be a string, not ${show(value)}`);
  throw new FrameError(`${field} must have 1 to ${bytesMax} bytes in UTF-8, not ${utf8Length(value)}`);
}

function checkRetry({ retry }: Fields): void {
  if (retry !== undefined && typeof retry !== "boolean")
    throw new FrameError(`retry must be true or false, not ${show(retry)}`);
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
  if (!isCount(offset) || typeof epoch !== "string" || !fits(epoch, ledgerNameBytesMax)) {
    throw new FrameError("position must be {offset: whole number from 0, epoch: string}");
  }
}

function checkHello(frame: Fields, text: string): asserts frame is Fields & HelloFrame {
  const { secret, generation, rooms, contract } = frame;
  if (typeof secret !== "string" || !secretPattern.test(secret)) {
    throw new FrameError("secret must be 22 to 64 characters of A-Z a-z 0-9 _ -");
  }
  if (!isCount(generation))
    throw new FrameError(`generation must be a whole number from 0, not ${show(generation)}`);
  if (contract !== undefined) checkText(contract, "contract", contractHashLengthMax);
  if (!Array.isArray(rooms)) throw new FrameError("rooms must be an array");
  checkShape({ ...frame, rooms: 0 }, 1, text);
  const refused: NonNullable<HelloFrame["refused"]>[number][] = [];
  frame["rooms"] = (rooms as unknown[]).filter((join) => {
    if (typeof join !== "object" || join === null) throw new FrameError("rooms must hold objects");
    checkRoom(join as Fields);
    try {
      checkShape(join, presenceLevel, text);
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
