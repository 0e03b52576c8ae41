import type { HelloFrame, JoinRequest } from "../protocol/frames.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { Contract } from "../contract/contract.ts";
import { ledgerLength, type Broker } from "./broker.ts";
import { ClientContracts } from "./client-contracts.ts";
import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { Logging } from "./logging/logging.ts";
import { turnDown, type Report } from "./refusal.ts";

/** What {@link Sessions} needs of the node. */
export interface SessionsContext {
  readonly broker: Broker;
  readonly limits: Limits;
  readonly heartbeatMs: number;
  join(connection: Connection, request: JoinRequest): void;
  readonly contract: Contract;
  readonly logging: Logging;
  readonly report: Report;
}

/** The sessions that have a connection on this node. */
export class Sessions {
  readonly #context: SessionsContext;
  readonly #connections = new Map<string, Connection>();
  /** Those whose hello was not answered yet. */
  readonly #opening = new Set<Connection>();
  #renewals: string[] = [];
  #degraded = false;
  readonly #contracts: ClientContracts;

  constructor(context: SessionsContext) {
    this.#context = context;
    this.#contracts = new ClientContracts(context);
  }

  /** Whether the broker can't be reached. */
  get degraded(): boolean {
    return this.#degraded;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Where answers for a session go now. */
  connectionOf(session: string): Connection | undefined {
    return this.#connections.get(session);
  }

  /** Every connection of this node. */
  connections(): Connection[] {
    return [...this.#connections.values(), ...this.#opening];
  }

  /** Ends a user's connections on this node; gives how many there were. */
  disconnect(userId: string, reason?: string): number {
    const theirs = this.connections().filter((it) => it.user && it.userId === userId);
    for (const connection of theirs) connection.close("KICKED", reason);
    return theirs.length;
  }

  /** A socket was opened. */
  add(connection: Connection): void {
    this.#opening.add(connection);
  }

  async open(connection: Connection, hello: HelloFrame): Promise<void> {
    const { generation, rooms, refused = [] } = hello;
    const { session } = connection;
    const user = connection.userId;
    try {
      const opening = await this.#context.broker.openSession({ session, user, generation });
      if (connection.state !== "opening") return;
      if (opening.outcome === "stale")
        return connection.close("SUPERSEDED", "an attempt made later came first");
      if (opening.outcome === "mismatch") return connection.close("SESSION_MISMATCH");
      this.#opening.delete(connection);
      // The notice of this very opening may come only after the answer, when it would find the new connection.
      this.receiveOpened(session, generation);
      this.#connections.set(session, connection);
      connection.ledger = opening.ledger;
      connection.open();
      this.#welcome(connection, user, opening, hello.contract);
      const { logging } = this.#context;
      if (logging.isDebug) logging.debug("connected", connection);
      for (const room of rooms) this.#context.join(connection, room);
      for (const { room, message } of refused)
        turnDown(
          connection,
          this.#context.logging,
          { room, of: "join" },
          new BowlineError("INVALID", message),
        );
    } catch (error) {
      // An outage was reported already, and everybody is coming back at the same time.
      if (!this.#degraded) this.#context.report(error, "session");
      connection.close("INTERNAL", "the session could not be opened");
    }
  }

  /** A newer connection has the session, here or elsewhere. Takes effect before any answer of the older one. */
  receiveOpened(session: string, generation: number): void {
    const connection = this.#connections.get(session);
    if (connection && connection.generation < generation) connection.close("SUPERSEDED");
  }

  /** The ledgers that a connection had are gone: its client opens the session again, unless it did so meanwhile. */
  receiveLost({ session, ledger }: Connection): void {
    const connection = this.#connections.get(session);
    if (connection?.ledger === ledger) connection.close("SESSION_LOST");
  }

  /** The broker is gone, or (null) is back: every client is told. */
  receiveOutage(reason: Error | null): void {
    const active = reason !== null;
    if (active === this.#degraded) return;
    this.#context.logging.outage(reason);
    this.#degraded = active;
    for (const connection of this.#connections.values()) connection.send({ type: "degraded", active });
  }

  /** Keeps the session of a live connection; told to the broker together with others. */
  renew(connection: Connection): void {
    if (this.#renewals.push(connection.session) === 1) queueMicrotask(() => this.#sendRenewals());
  }

  ended(connection: Connection): void {
    this.#opening.delete(connection);
    if (this.#connections.get(connection.session) !== connection) return;
    this.#connections.delete(connection.session);
    this.renew(connection);
  }

  #welcome(
    connection: Connection,
    user: string,
    { ledger, ref }: { readonly ledger: string; readonly ref: number },
    hash: string | undefined,
  ): void {
    const { limits, heartbeatMs } = this.#context;
    connection.send({
      type: "welcome",
      session: connection.session,
      user,
      ledger,
      ref,
      heartbeatMs,
      payloadBytes: limits.payloadBytes,
      window: Math.min(limits.pending, ledgerLength),
      ...(hash !== undefined && { contract: this.#contracts.answer(hash, connection) }),
      ...(this.#degraded && { degraded: true as const }),
    });
  }

  #sendRenewals(): void {
    const sessions = this.#renewals;
    this.#renewals = [];
    this.#context.broker.renewSessions(sessions);
  }
}
