import type { JsonObject } from "../case.ts";
import { isObject } from "../form.ts";

/** A client broke what holds on every socket. */
export class RuleError extends Error {
  override readonly name: string = "RuleError";
}

/** What counts beyond one socket. */
export class WireMemory {
  /** Calls by session and ref, as they were first sent: a ref never names another one. */
  readonly calls: Map<string, string> = new Map();
  /** Of the last welcome; before the first one, what any server takes by default. */
  payloadBytes = 65_536;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "";
const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isRef: Check = (value) => isWhole(value) && value !== 0;
const isThere: Check = (value) => value !== undefined;
const isSecret: Check = (value) => /^[A-Za-z0-9_-]{22,64}$/.test(String(value));

/** What each frame of a client needs. */
const frameFields: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  hello: { secret: isSecret, generation: isWhole, rooms: Array.isArray },
  join: { room: isText },
  leave: { room: isText },
  publish: { ref: isRef, room: isText, event: isText, payload: isThere },
  request: { ref: isRef, request: isText, payload: isThere },
  signal: { room: isText, event: isText, payload: isThere },
  presence: { room: isText, payload: isThere },
  ping: {},
  pong: {},
};

/**
 * What every client keeps to on each socket, whatever a case is about: it sends sound frames only, `hello` first and
 * once, nothing else before the welcome, refs that rise, and no more without an answer than the window allows.
 */
export class WireRules {
  #secret = "";
  #window = 0;
  #ref = 0;
  /** Refs without an answer, and what they are of. */
  readonly #open = new Map<number, unknown>();
  readonly #memory: WireMemory;

  constructor(memory: WireMemory) {
    this.#memory = memory;
  }

  /** Reads what the client sent; throws a {@link RuleError} that says what it broke. */
  receive(text: string): JsonObject {
    const frame = parse(text);
    const { payloadBytes } = this.#memory;
    if (Buffer.byteLength(text) > payloadBytes)
      throw new RuleError(`a message has ${Buffer.byteLength(text)} bytes, and may have ${payloadBytes}`);
    const type = String(frame["type"]);
    const isFirst = this.#secret === "";
    if (isFirst && type !== "hello") throw new RuleError(`the first frame must be a hello, not ${cut(text)}`);
    if (!isFirst && type === "hello") throw new RuleError("there must be no second hello");
    if (!isFirst && this.#window === 0)
      throw new RuleError(`nothing may be sent before the welcome, but ${cut(text)} was`);
    if (isFirst) this.#secret = String(frame["secret"]);
    if (type === "publish" || type === "request") this.#noteCall(frame);
    return frame;
  }

  welcomed({ window, payloadBytes }: JsonObject): void {
    this.#window = Number(window);
    this.#memory.payloadBytes = Number(payloadBytes);
  }

  answered(ref: number): void {
    this.#open.delete(ref);
  }

  #noteCall(frame: JsonObject): void {
    const ref = frame["ref"] as number;
    if (ref <= this.#ref)
      throw new RuleError(`refs must rise on a socket, but ${ref} came after ${this.#ref}`);
    this.#ref = ref;
    this.#checkSame(ref, frame);
    this.#open.set(ref, frame["type"]);
    if (this.#open.size > this.#window)
      throw new RuleError(
        `${this.#open.size} calls are without an answer, and the window is ${this.#window}`,
      );
    const [oldest = ref] = [...this.#open].flatMap(([open, type]) => (type === "publish" ? open : []));
    if (ref >= oldest + this.#window)
      throw new RuleError(
        `ref ${ref} is a window of ${this.#window} or more above ${oldest}, which has no answer`,
      );
  }

  #checkSame(ref: number, frame: JsonObject): void {
    const key = `${this.#secret} ${ref}`;
    const { type, room, event, request, payload } = frame;
    const call = JSON.stringify({ type, room, event, request, payload });
    const former = this.#memory.calls.get(key) ?? call;
    if (former !== call)
      throw new RuleError(`ref ${ref} must not mean two calls, but was ${cut(former)} and is ${cut(call)}`);
    this.#memory.calls.set(key, call);
  }
}

function parse(text: string): JsonObject {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new RuleError(`each message must be JSON, not ${cut(text)}`);
  }
  if (!isObject(frame)) throw new RuleError(`each message must be an object, not ${cut(text)}`);
  const fields = Object.entries(frameFields).find(([name]) => name === frame["type"])?.[1];
  if (!fields) throw new RuleError(`a client has no frame of that type: ${cut(text)}`);
  const wrong = Object.entries(fields).find(([name, fits]) => !fits(frame[name]));
  if (wrong) throw new RuleError(`the field "${wrong[0]}" is wrong or missing in ${cut(text)}`);
  return frame;
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
