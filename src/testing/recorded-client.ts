import type { Undo } from "../base/clock.ts";
import type { Fate, RequestCallOptions } from "../client/calls.ts";
import type { Client } from "../client/client-types.ts";
import type { JoinOptions } from "../client/join-options.ts";
import type { Status } from "../client/status.ts";
import type { Contract } from "../contract/contract.ts";
import type { BowlineError } from "../protocol/errors.ts";
import type { History } from "./history.ts";
import { RecordedRoom } from "./recorded-room.ts";
import type { Standstill } from "./standstill.ts";

/** What a {@link RecordedClient} notes things with. */
export interface RecordedClientContext {
  readonly history: History;
  readonly standstill: Standstill;
  /** The id that the publication of a call bears. */
  readonly idOf: (ref: number) => string;
  /** Who uses the device. */
  readonly user?: () => string | null;
  /** Does something at the end of the turn. */
  readonly defer: (task: () => void) => void;
}

/** A client as an application uses it, with everything noted that goes in and comes out. */
export class RecordedClient {
  readonly #client: Client;
  readonly #contract: Contract;
  readonly #device: string;
  readonly #history: History;
  readonly #standstill: Standstill;
  readonly #idOf: (ref: number) => string;
  readonly #user: (() => string | null) | undefined;
  readonly #defer: (task: () => void) => void;
  readonly #rooms = new Map<string, RecordedRoom>();

  constructor(
    client: Client,
    contract: Contract,
    device: string,
    { history, standstill, idOf, user, defer }: RecordedClientContext,
  ) {
    this.#client = client;
    this.#contract = contract;
    this.#device = device;
    this.#history = history;
    this.#standstill = standstill;
    this.#idOf = idOf;
    this.#user = user;
    this.#defer = defer;
    client.onStatus((status) => {
      const code = status.state === "closed" && status.error ? status.error.code : "";
      history.add({ type: "status", device, session: this.session, state: status.state, code });
    });
    client.onFate(({ ref, id, fate, error }) => {
      if (fate === "stored" || fate === "refused")
        history.add({ type: "fate", device, id: id ?? idOf(ref), fate, code: error?.code ?? "" });
    });
  }

  /** Empty before the first welcome. */
  get session(): string {
    return this.#client.session ?? "";
  }

  get user(): string | null {
    return this.#client.user;
  }

  get status(): Status {
    return this.#client.status;
  }

  /** With ids that the client itself does not know yet. */
  get pending(): readonly Fate[] {
    return this.#client.pending.map((fate) => ({ ...fate, id: fate.id ?? this.#idOf(fate.ref) }));
  }

  /** The rooms that were joined and not left. */
  get rooms(): RecordedRoom[] {
    return [...this.#rooms.values()].filter(({ status }) => status.state !== "left");
  }

  join(name: string, options: JoinOptions = {}): RecordedRoom {
    const former = this.#rooms.get(name);
    if (former && former.status.state !== "left") return former;
    const joined = this.#client.join(name, options);
    const room = new RecordedRoom(joined, {
      device: this.#device,
      history: this.#history,
      standstill: this.#standstill,
      events: Object.keys(this.#contract.matchRoom(name)?.definition.events ?? {}),
      start: options.position ?? null,
      // Who leaves a room and joins it again in one turn never was away, and has the state it had.
      presence: options.presence === undefined ? former?.state : options.presence,
      idOf: this.#idOf,
      defer: this.#defer,
      ...(this.#user && { user: this.#user }),
    });
    this.#rooms.set(name, room);
    return room;
  }

  request(name: string, input: unknown, options: RequestCallOptions = {}): Promise<unknown> {
    const history = this.#history;
    const about = { device: this.#device, call: history.nextCall() };
    const idempotent = this.#contract.requests[name]?.idempotent ?? false;
    history.add({ type: "request", ...about, name, json: JSON.stringify(input ?? null), idempotent });
    const reply = this.#client.request(name, input, options);
    this.#standstill.watch(reply, `${this.#device}'s request "${name}"`);
    reply.then(
      (payload) => history.add({ type: "reply", ...about, json: JSON.stringify(payload ?? null) }),
      (error: BowlineError) => history.add({ type: "failed", ...about, code: error.code }),
    );
    return reply;
  }

  onStatus(listener: (status: Status) => void): Undo {
    return this.#client.onStatus(listener);
  }

  onFate(listener: (fate: Fate) => void): Undo {
    return this.#client.onFate(listener);
  }

  connect(): void {
    this.#client.connect();
  }

  reconnect(): void {
    this.#client.reconnect();
  }

  close(): void {
    for (const room of this.rooms) room.leave();
    this.#client.close();
    // A close leaves them at once.
    this.#rooms.clear();
  }
}
