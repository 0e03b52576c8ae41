import { createHash } from "node:crypto";
import type { JsonObject } from "../case.ts";

/** What a server would remember of the sessions of a case: by it, the frames a case leaves out are what they should be. */
export class SessionBook {
  /** The ledgers that a socket was welcomed with. */
  readonly #ledgers = new Map<object, string>();
  /** The highest ref carried out in each. */
  readonly #refs = new Map<string, number>();

  /** The welcome for a hello over a socket, with what the case has it say otherwise. */
  welcome(socket: object, secret: string, given: JsonObject): JsonObject {
    const { ledger = "ledger-1" } = given;
    const key = `${secret} ${String(ledger)}`;
    this.#ledgers.set(socket, key);
    return {
      type: "welcome",
      user: "u-ada",
      session: sessionIdOf(secret),
      ledger,
      ref: this.#refs.get(key) ?? 0,
      heartbeatMs: 30_000,
      payloadBytes: 65_536,
      window: 256,
      ...given,
    };
  }

  /** Notes what was sent over a socket: what is answered was carried out. */
  sent(socket: object, { type, ref }: JsonObject): void {
    const key = this.#ledgers.get(socket);
    if (key === undefined || (type !== "ack" && type !== "reply")) return;
    this.#refs.set(key, Math.max(this.#refs.get(key) ?? 0, Number(ref)));
  }
}

/** The id that others see of a session: the first 16 bytes of the SHA-256 of its secret. */
export function sessionIdOf(secret: string): string {
  return createHash("sha256").update(secret).digest().subarray(0, 16).toString("base64url");
}
