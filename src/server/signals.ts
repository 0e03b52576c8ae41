import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { signalText } from "./neutral.ts";
import type { Limits } from "./limits.ts";
import { definitionOf, jsonOf, type Payloads, type Sending } from "./payloads.ts";
import { refusalOf, tableError, type RefusalContext } from "./refusal.ts";
import type { Rooms } from "./rooms.ts";

/** What {@link Signals} needs of the node. */
export interface SignalsContext extends RefusalContext {
  readonly payloads: Payloads;
  readonly broker: Broker;
  readonly limits: Limits;
  readonly rooms: Rooms;
}

/** Signals of one kind, sender and room that are being handled. */
interface Turn {
  handling: number;
  /** Number of the newest that came, and of the newest that went out. */
  newest: number;
  sent: number;
}

/** Takes signals from clients and from the server itself to the broker. */
export class Signals {
  readonly #context: SignalsContext;
  readonly #turns = new Map<string, Turn>();

  constructor(context: SignalsContext) {
    this.#context = context;
  }

  /** A client's signal. Refused ones are answered; others leave no trace. */
  async receive(connection: Connection, sending: Sending): Promise<void> {
    const { room, event } = sending;
    const { session } = connection;
    const key = `${session} ${event} ${room}`;
    const turn = this.#turns.get(key) ?? { handling: 0, newest: 0, sent: 0 };
    this.#turns.set(key, turn);
    turn.handling += 1;
    const number = (turn.newest += 1);
    try {
      const match = this.#context.rooms.match(room);
      if (!connection.readerOf(room)) throw tableError("NOT_JOINED");
      const definition = definitionOf(match, event, "signal");
      const payload = await this.#context.payloads.receive(connection, sending, match, definition);
      // Handlers may take their time, and the newest wins: an older one that comes after it would undo it.
      if (number < turn.sent) return;
      turn.sent = number;
      this.#send({ room, event, payload }, connection.userId, session);
    } catch (error) {
      const call = { kind: "signal", room, event, payload: sending.payload } as const;
      connection.refuse({ room, of: "signal" }, refusalOf(error, this.#context, call, connection));
    } finally {
      turn.handling -= 1;
      if (turn.handling === 0) this.#turns.delete(key);
    }
  }

  /** A signal of the server's own. */
  async send({ room, event, payload }: Sending): Promise<void> {
    const definition = definitionOf(this.#context.rooms.match(room), event, "signal", "server");
    const checked = await this.#context.payloads.outgoing(definition, { room, event, payload });
    this.#send({ room, event, payload: checked }, null, "");
  }

  #send({ room, event, payload }: Sending, from: string | null, session: string): void {
    const json = jsonOf(`the payload of "${event}" in ${room}`, payload, this.#context.limits);
    const data = signalText({ event, from, session }, json);
    this.#context.broker.signal(room, `${session} ${event}`, data);
  }
}
