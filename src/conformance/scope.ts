import { createHash, randomBytes } from "node:crypto";
import type { JsonObject } from "./case.ts";
import { isObject } from "./form.ts";

/** Users that the fixed contract knows; each is another one in each case. */
const users = /^(ada|bob|boss|short)$/;
/** Rooms that are another one in each case. Any other name is sent as it stands. */
const rooms = /^[a-z]+\/[a-z0-9]+$/;
const tokens = /^t-[a-z]+$/;

/** A case that names what it never bound, or asks for what can't be made. */
export class CaseError extends Error {
  override readonly name: string = "CaseError";
}

/**
 * The names of one run of one case: what it has bound, its sessions, and the suffix that keeps its rooms, users and tokens
 * apart from those of the cases that share its server.
 */
export class Scope {
  readonly suffix: string;
  readonly #bound = new Map<string, unknown>();
  readonly #secrets = new Map<string, string>();
  readonly #generations = new Map<string, number>();

  constructor(suffix: string) {
    this.suffix = suffix;
    this.#bound.set("n", suffix);
    // These stand for themselves: the length of a frame, and the number in a row, are known later.
    this.#bound.set("pad", "${pad}");
    this.#bound.set("i", "${i}");
  }

  /** Puts the suffix where a case has rooms, users and tokens, at any depth. */
  own<Value>(value: Value, key = ""): Value {
    if (typeof value === "string") return this.#ownText(key, value) as Value & string;
    if (Array.isArray(value)) return value.map((inner: unknown) => this.own(inner, key)) as Value & unknown[];
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([name, inner]) => [
      name,
      this.own(inner, name.startsWith("$") ? key : name),
    ]);
    return Object.fromEntries(entries) as Value & JsonObject;
  }

  #ownText(key: string, text: string): string {
    if (key === "room") return rooms.test(text) ? `${text}-${this.suffix}` : text;
    if (key === "token") return tokens.test(text) ? `${text}-${this.suffix}` : text;
    return (key === "user" || key === "from") && users.test(text) ? `${text}-${this.suffix}` : text;
  }

  has(name: string): boolean {
    return this.#bound.has(name);
  }

  /** What a name was bound to. */
  get(name: string): unknown {
    if (!this.#bound.has(name)) throw new CaseError(`nothing has bound "$${name}" before this step`);
    return this.#bound.get(name);
  }

  bind(name: string, value: unknown): void {
    this.#bound.set(name, value);
  }

  /** The secret of a session: drawn when it is first named. */
  secret(session: string): string {
    const secret = this.#secrets.get(session) ?? randomBytes(18).toString("base64url");
    this.#secrets.set(session, secret);
    return secret;
  }

  /** The id that others see of a session. */
  sessionId(session: string): string {
    return createHash("sha256").update(this.secret(session)).digest().subarray(0, 16).toString("base64url");
  }

  /** One above the session's last one, unless a number is given. */
  generation(session: string, given?: number): number {
    const generation = given ?? (this.#generations.get(session) ?? 0) + 1;
    this.#generations.set(session, generation);
    return generation;
  }

  /** Makes what is sent of what a case has: puts in what was bound, and makes what operators ask for. */
  fill(value: unknown): unknown {
    if (typeof value === "string") return this.fillText(value);
    if (Array.isArray(value)) return value.map((inner: unknown) => this.fill(inner));
    if (!isObject(value)) return value;
    const operator = Object.keys(value).find((name) => name.startsWith("$"));
    if (operator !== undefined) return this.#make(operator, value);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.fill(inner)]));
  }

  /** A whole `"$name"` keeps the type of what was bound; `${…}` stands inside a text. */
  fillText(text: string): unknown {
    if (text.startsWith("$$")) return text.slice(1);
    const [, name] = /^\$([A-Za-z]\w*)$/.exec(text) ?? [];
    return name === undefined ? this.embed(text) : this.get(name);
  }

  /** Puts in every `${…}` of a text. */
  embed(text: string): string {
    return text.replaceAll(/\$\{([^}]*)\}/g, (_, inner: string) => this.#word(inner));
  }

  #word(inner: string): string {
    const [kind = "", ...rest] = inner.split(":");
    const value = rest.join(":");
    if (rest.length === 0) return String(this.get(kind));
    switch (kind) {
      case "session":
        return this.sessionId(value);
      case "secret":
        return this.secret(value);
      case "base64url":
        return this.#encoded(value);
      case "padded":
        return this.#encoded(value).padEnd(Math.ceil(this.#encoded(value).length / 4) * 4, "=");
      case "room":
      case "user":
      case "token":
        return this.own(value, kind);
      case "nested":
        return `${"[".repeat(Number(value))}0${"]".repeat(Number(value))}`;
      default:
        throw new CaseError(`"\${${inner}}" is nothing that can be put in`);
    }
  }

  #encoded(token: string): string {
    return Buffer.from(this.own(token, "token")).toString("base64url");
  }

  #make(operator: string, value: JsonObject): unknown {
    const count = Number(this.fill(value[operator]));
    const of = value["of"] ?? "x";
    switch (operator) {
      case "$text":
        return (typeof of === "string" ? of : "x").repeat(count);
      case "$nest":
        return nest(count);
      default:
        throw new CaseError(`"${operator}" is for what is expected, not for what is sent`);
    }
  }
}

/** Puts a number in the place of each `$i`. */
export function numbered(value: unknown, index: number): unknown {
  if (value === "$i") return index;
  if (typeof value === "string") return value.replaceAll("${i}", String(index));
  if (Array.isArray(value)) return value.map((inner: unknown) => numbered(inner, index));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, numbered(inner, index)]));
}

function nest(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
