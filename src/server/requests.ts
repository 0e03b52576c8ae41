import { after, type Awaitable } from "../base/awaitable.ts";
import type { Clock } from "../base/clock.ts";
import { isThrown } from "../base/thrown.ts";
import type { Contract, RequestDefinition } from "../contract/contract.ts";
import { check, type Checked } from "../contract/schema.ts";
import { errorCodes } from "../protocol/codes.ts";
import { BowlineError } from "../protocol/errors.ts";
import type { RequestFrame } from "../protocol/frames.ts";
import type { Broker, Origin } from "./broker.ts";
import type { Connection, UserLike } from "./connection.ts";
import type { Handlers, UntypedRequestHandler } from "./handlers.ts";
import type { Limits } from "./limits.ts";
import { answerText, readAnswer, type Answer } from "./neutral.ts";
import { inTime, jsonOf, TookTooLong } from "./payloads.ts";
import { invalid, refusalOf, tableError, toRefusal, type RefusalContext } from "./refusal.ts";
import type { Insist } from "./insist.ts";
import type { Sessions } from "./sessions.ts";

/** What {@link Requests} needs of the node. */
export interface RequestsContext extends RefusalContext {
  readonly contract: Contract;
  readonly broker: Broker;
  readonly insist: Insist;
  readonly handlers: Handlers;
  readonly sessions: Sessions;
  readonly checkOutgoing: boolean;
  readonly clock: Clock;
  readonly limits: Limits;
}

/** A request under way. */
interface RequestCall {
  readonly connection: Connection;
  readonly name: string;
  readonly ref: number;
  /** As it came, and then as its schema gave it. */
  payload: unknown;
  readonly definition: RequestDefinition;
  readonly handler: UntypedRequestHandler;
}

/** Answers requests: each ref at most once, whatever is sent again. */
export class Requests {
  readonly #context: RequestsContext;
  /** Being run on this node: `session ref`. */
  readonly #running = new Set<string>();

  constructor(context: RequestsContext) {
    this.#context = context;
  }

  /**
   * Answers with a reply or an error, and never throws or rejects. Finished at once where nothing that it calls makes it
   * wait.
   */
  receive(connection: Connection, frame: RequestFrame): Awaitable<void> {
    try {
      const done = this.#receive(connection, frame);
      return done instanceof Promise
        ? done.catch((error: unknown) => this.#refuse(connection, frame, error))
        : done;
    } catch (error) {
      return this.#refuse(connection, frame, error);
    }
  }

  #receive(connection: Connection, { ref, request, payload }: RequestFrame): Awaitable<void> {
    const { handlers, contract } = this.#context;
    const handler = handlers.requests.get(request);
    const definition = handler && contract.requests[request];
    if (!definition)
      throw tableError(
        "UNKNOWN_REQUEST",
        undefined,
        `the contract has no request "${request}", or nothing answers it`,
      );
    const call: RequestCall = { connection, name: request, ref, payload, definition, handler };
    const input = this.#inTime(`the input schema of "${request}"`, check(definition.input, payload));
    return input instanceof Promise
      ? input.then((checked) => this.#start(call, checked))
      : this.#start(call, input);
  }

  #start(call: RequestCall, input: Checked): Awaitable<void> {
    if (input.issues) {
      throw invalid(`the input of "${call.name}"`, input.issues);
    }
    call.payload = input.value;
    if (!call.definition.idempotent) return this.#runOnce(call);
    const answer = this.#run(call);
    if (answer instanceof Promise) return answer.then((answered) => this.#answer(call, answered));
    this.#answer(call, answer);
  }

  #runOnce(call: RequestCall): Awaitable<void> {
    const { broker, insist, sessions } = this.#context;
    const { connection, ref } = call;
    const { session, ledger } = connection;
    const origin: Origin = { session, ref, ledger };
    const isNeeded = (): boolean => sessions.connectionOf(origin.session) !== undefined;
    const claiming = insist(() => broker.claimRequest(origin), isNeeded);
    return after(claiming, (claim) => {
      if (claim.outcome === "answered") return sendAnswer(connection, ref, readAnswer(claim.answer));
      if (claim.outcome === "unknown-session") return sessions.receiveLost(connection);
      if (claim.outcome === "unanswered") {
        // Still running here: its answer goes to whatever connection the session has then, so to this one.
        if (!this.#running.has(keyOf(session, ref))) connection.refuse({ ref }, tableError("UNCERTAIN"));
        return;
      }
      const finished = after(this.#run(call), (answer) =>
        after(
          insist(() => broker.answerRequest(origin, answerText(answer)), isNeeded),
          () => answer,
        ),
      );
      if (finished instanceof Promise) return this.#finishLater(call, finished);
      this.#answer(call, finished);
    });
  }

  async #finishLater(call: RequestCall, finished: Promise<Answer>): Promise<void> {
    const key = keyOf(call.connection.session, call.ref);
    this.#running.add(key);
    try {
      this.#answer(call, await finished);
    } finally {
      this.#running.delete(key);
    }
  }

  /** Runs the handler; a refusal is an answer too. */
  #run(call: RequestCall): Awaitable<Answer> {
    try {
      const answer = this.#reply(call);
      return answer instanceof Promise
        ? answer.catch((error: unknown) => this.#refusal(call, error))
        : answer;
    } catch (error) {
      return this.#refusal(call, error);
    }
  }

  #reply(call: RequestCall): Awaitable<Answer> {
    const { connection, name, payload, handler } = call;
    const { user, session } = connection;
    const reply = handler({ user: user as UserLike, session, payload, refuse });
    const checked = after(reply, (value) => this.#checkReply(call, value));
    const json = after(checked, (value) => jsonOf(`the reply of "${name}"`, value, this.#context.limits));
    return after(this.#inTime(`the handler of "${name}"`, json), asPayload);
  }

  #inTime<T>(what: string, result: Awaitable<T>): Awaitable<T> {
    return inTime(this.#context, what, result, "requestMs");
  }

  /** A refusal is an answer, and kept like one. A handler that was given up has none: it may still do what was asked. */
  #refusal({ connection, name, payload }: RequestCall, error: unknown): Answer {
    if (isThrown(error, TookTooLong)) {
      this.#context.report(error, "request", { request: name });
      throw tableError(
        "UNCERTAIN",
        error,
        `${errorCodes.UNCERTAIN.text}: the handler of "${name}" takes too long`,
      );
    }
    const call = { kind: "request", request: name, payload } as const;
    return { error: toRefusal(refusalOf(error, this.#context, call, connection)) };
  }

  #checkReply({ name, definition }: RequestCall, reply: unknown): Awaitable<unknown> {
    if (!this.#context.checkOutgoing) return reply;
    return after(check(definition.output, reply), (checked) => {
      if (!checked.issues) return checked.value;
      const { path, message } = checked.issues[0] ?? { path: [], message: "" };
      throw new TypeError(
        `the reply of "${name}" does not fit its schema, at ${path.join(".") || "the root"}: ${message}`,
      );
    });
  }

  #answer({ connection, ref }: RequestCall, answer: Answer): void {
    sendAnswer(this.#current(connection), ref, answer);
  }

  /** Where the session is now: its answers follow it from one connection to the next. */
  #current(connection: Connection): Connection {
    return this.#context.sessions.connectionOf(connection.session) ?? connection;
  }

  #refuse(connection: Connection, { ref, request, payload }: RequestFrame, error: unknown): void {
    const call = { kind: "request", request, payload } as const;
    const refusal = refusalOf(error, this.#context, call, connection);
    this.#current(connection).refuse({ ref }, refusal);
  }
}

function keyOf(session: string, ref: number): string {
  return `${session} ${ref}`;
}

function asPayload(payload: string): Answer {
  return { payload };
}

function sendAnswer(connection: Connection, ref: number, answer: Answer): void {
  if ("error" in answer) connection.send({ type: "error", ref, ...answer.error });
  else connection.own.reply(ref, answer.payload);
}

function refuse(code: string, message: string = code): BowlineError {
  return new BowlineError(code, message);
}
