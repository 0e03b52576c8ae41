import type { Contract, RequestDefinition } from "../contract/contract.ts";
import { check } from "../contract/schema.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { RequestFrame } from "../protocol/frames.ts";
import type { Broker, Origin } from "./broker.ts";
import type { Connection, UserLike } from "./connection.ts";
import type { Handlers, UntypedRequestHandler } from "./handlers.ts";
import { refusalOf, tableError, type Stage } from "./refusal.ts";
import type { Sessions } from "./sessions.ts";

/** What {@link Requests} needs of the node. */
export interface RequestsContext {
  readonly contract: Contract;
  readonly broker: Broker;
  readonly handlers: Handlers;
  readonly sessions: Sessions;
  readonly checkOutgoing: boolean;
  readonly report: (error: unknown, stage: Stage) => void;
}

/** Answers requests: each ref at most once, whatever is sent again. */
export class Requests {
  readonly #context: RequestsContext;
  /** Being run on this node: `session ref`. */
  readonly #running = new Set<string>();

  constructor(context: RequestsContext) {
    this.#context = context;
  }

  /** Answers with a reply or an error, and never rejects. */
  async receive(connection: Connection, frame: RequestFrame): Promise<void> {
    const { ref } = frame;
    const { handlers, contract, report } = this.#context;
    const origin: Origin = { session: connection.session, ref };
    try {
      const handler = handlers.requests.get(frame.request);
      const definition = handler && contract.requests[frame.request];
      if (!definition) throw tableError("UNKNOWN_REQUEST");
      const input = await check(definition.input, frame.payload);
      if (input.issues)
        throw new BowlineError("INVALID", "the input does not fit its schema", { issues: input.issues });
      const run = (): Promise<string> =>
        this.#run(connection, { ...frame, payload: input.value }, definition, handler);
      if (definition.idempotent) this.#answer(connection, await run());
      else await this.#runOnce(connection, origin, run);
    } catch (error) {
      connection.refuse({ ref }, refusalOf(error, "request", report));
    }
  }

  async #runOnce(connection: Connection, origin: Origin, run: () => Promise<string>): Promise<void> {
    const { broker } = this.#context;
    const key = `${origin.session} ${origin.ref}`;
    const claim = await broker.claimRequest(origin);
    if (claim.outcome === "answered") return connection.sendText(claim.answer);
    if (claim.outcome === "unanswered") {
      // Still running here: its answer goes to whatever connection the session has then, so to this one.
      if (!this.#running.has(key)) connection.refuseAs({ ref: origin.ref }, "UNCERTAIN");
      return;
    }
    this.#running.add(key);
    try {
      const answer = await run();
      await broker.answerRequest(origin, answer);
      this.#answer(connection, answer);
    } finally {
      this.#running.delete(key);
    }
  }

  /** Runs the handler; a refusal is an answer too. */
  async #run(
    connection: Connection,
    { ref, payload }: RequestFrame,
    definition: RequestDefinition,
    handler: UntypedRequestHandler,
  ): Promise<string> {
    const { report, checkOutgoing } = this.#context;
    const { user, session } = connection;
    try {
      const reply = await handler({ user: user as UserLike, session, payload, refuse });
      const checked = checkOutgoing ? await checkReply(definition, reply) : reply;
      return encodeFrame({ type: "reply", ref, payload: checked ?? null });
    } catch (error) {
      const { code, message, retryable } = refusalOf(error, "request", report);
      return encodeFrame({ type: "error", ref, code, message, ...(retryable && { retryable }) });
    }
  }

  #answer(connection: Connection, answer: string): void {
    const current = this.#context.sessions.connectionOf(connection.session) ?? connection;
    current.sendText(answer);
  }
}

function refuse(code: string, message: string = code): BowlineError {
  return new BowlineError(code, message);
}

async function checkReply(definition: RequestDefinition, reply: unknown): Promise<unknown> {
  const checked = await check(definition.output, reply);
  if (!checked.issues) return checked.value;
  const { path, message } = checked.issues[0] ?? { path: [], message: "" };
  throw new TypeError(
    `the handler's reply does not fit its schema, at ${path.join(".") || "the root"}: ${message}`,
  );
}
