import type { ConformanceCase, JsonObject } from "./case.ts";
import { Expectations, unexpected } from "./expectations.ts";
import { isObject, verbOf, type StepOf } from "./form.ts";
import { parseJson } from "./json.ts";
import { mismatch, shown } from "./match.ts";
import type { Stage } from "./run-cases.ts";
import { CaseError, numbered, type Scope } from "./scope.ts";
import { serverForms } from "./server-forms.ts";
import type { HttpAnswer, ServerProcess } from "./server-process.ts";
import { Refused, WireSocket, type Dial } from "./wire-socket.ts";

type Verb = keyof typeof serverForms;
type Step<V extends Verb> = StepOf<typeof serverForms, V>;

/** What a stage needs. */
export interface ServerStageContext {
  readonly it: ConformanceCase;
  readonly server: ServerProcess;
  readonly scope: Scope;
  /** How long anything that is expected may take. */
  readonly waitMs: number;
}

const subprotocol = "bowline.v1.json";
const defaultPath = "/bowline";
/** Who connects where a step says nothing of it. */
const defaultToken = "t-ada";

/** Plays the steps of one case against one server. */
export class ServerStage implements Stage {
  readonly #it: ConformanceCase;
  readonly #server: ServerProcess;
  readonly #scope: Scope;
  readonly #waitMs: number;
  readonly #expectations: Expectations;
  readonly #sockets = new Map<string, WireSocket>();
  #pings = 0;

  constructor({ it, server, scope, waitMs }: ServerStageContext) {
    this.#it = it;
    this.#server = server;
    this.#scope = scope;
    this.#waitMs = waitMs;
    this.#expectations = new Expectations(scope, waitMs);
  }

  async play(given: JsonObject): Promise<void> {
    const step = this.#scope.own(given);
    const verb = verbOf(serverForms, step) as Verb;
    try {
      await (this.#verbs[verb] as (step: JsonObject) => unknown)(step);
    } catch (error) {
      const ended = await this.#server.ended();
      if (ended === null) throw error;
      throw new Error(`${(error as Error).message}\nthe server under test ${ended}`, { cause: error });
    }
  }

  trace(): readonly string[] {
    return Array.from(this.#sockets.values(), (socket) => socket.trace()).flat();
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.break();
  }

  readonly #verbs: { readonly [V in Verb]: (step: Step<V>) => unknown } = {
    open: async (step) => this.#open(step.open, step),
    refused: async (step) => this.#refused(step),
    http: async (step) => this.#http(step),
    hello: async (step) => this.#hello(step),
    enter: async (step) => this.#enter(step),
    send: (step) => this.#send(step),
    sendText: (step) => this.#socket(step.sendText).send(this.#scope.embed(step.text)),
    sendBytes: (step) =>
      this.#socket(step.sendBytes).send(Buffer.from(step.base64, "base64"), {
        binary: step.opcode !== "text",
      }),
    sendRaw: (step) => this.#socket(step.sendRaw).sendRaw(Buffer.from(step.base64, "base64")),
    burst: ({ burst, times, frame, from = 1 }) => {
      for (let index = from; index < from + times; index += 1)
        this.#socket(burst).send(JSON.stringify(this.#scope.fill(numbered(frame, index))));
    },
    wsPing: (step) => this.#socket(step.wsPing).ping("conformance"),
    expect: async ({ expect, frame, anyOrder = [frame] }) =>
      this.#expectations.frames(this.#socket(expect), anyOrder),
    until: async (step) => this.#expectations.until(this.#socket(step.until), step.frame, step.without),
    count: async (step) => this.#expectations.count(this.#socket(step.count), step.frame, step.times),
    closed: async ({ closed, code, skipping = false }) =>
      this.#expectations.closed(this.#socket(closed), code, skipping),
    quiet: async (step) => this.#quiet(this.#socket(step.quiet)),
    pong: async (step) => {
      const arrival = await this.#expectations.next(this.#socket(step.pong), "a pong of WebSocket");
      if (arrival.kind !== "pong") throw unexpected("a pong of WebSocket", arrival);
    },
    break: (step) => this.#socket(step.break).break(),
    close: (step) => this.#socket(step.close).close(step.code),
    pause: (step) => this.#socket(step.pause).pause(),
    resume: (step) => this.#socket(step.resume).resume(),
    control: async (step) => this.#control(step),
  };

  #socket(name: string): WireSocket {
    const socket = this.#sockets.get(name);
    if (!socket) throw new CaseError(`no step before this one has opened the socket "${name}"`);
    return socket;
  }

  async #open(name: string, step: DialFields): Promise<void> {
    this.#sockets.get(name)?.break();
    const socket = await WireSocket.open(name, this.#dial(step));
    this.#sockets.set(name, socket);
    if (socket.protocol !== subprotocol)
      throw new Error(`the server selected the subprotocol "${socket.protocol}", not "${subprotocol}"`);
  }

  #dial({ token, headers = {}, protocols = [subprotocol], path = defaultPath }: DialFields): Dial {
    const filled = this.#scope.fill(headers) as Record<string, string>;
    return {
      url: `ws://127.0.0.1:${this.#server.port}${this.#scope.embed(path)}`,
      protocols: this.#scope.fill(protocols) as string[],
      headers: token === undefined ? filled : { authorization: `Bearer ${token}`, ...filled },
      timeoutMs: this.#waitMs,
    };
  }

  async #refused(step: Step<"refused">): Promise<void> {
    let socket: WireSocket;
    try {
      socket = await WireSocket.open(step.refused, this.#dial(step));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#compareAnswer(step.answer, error.answer);
    }
    socket.break();
    throw new Error(`the upgrade should be refused with ${shown(step.answer)}, and was accepted`);
  }

  async #http(step: Step<"http">): Promise<void> {
    const { method = "GET", path = defaultPath, headers = {}, token } = step.http as HttpFields;
    const filled = this.#scope.fill(headers) as Record<string, string>;
    const answer = await this.#server.ask({
      method,
      path: this.#scope.embed(path),
      headers: token === undefined ? filled : { authorization: `Bearer ${token}`, ...filled },
    });
    this.#compareAnswer(step.answer, answer);
  }

  #compareAnswer(expected: JsonObject, { status, headers, body }: HttpAnswer): void {
    const named = Object.entries((expected["headers"] ?? {}) as JsonObject);
    const pattern = {
      ...expected,
      // Names of headers are the same in any letter case.
      headers: Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value])),
    };
    const why = mismatch(pattern, { status, headers, body: parseJson(body) ?? body }, this.#scope);
    if (why) throw new Error(`${why}\nthe answer was ${status} ${shown(body)}`);
  }

  /** Opens the socket where that was not done, sends a hello of a session, and reads its welcome. */
  async #hello({
    hello,
    as = hello.toLowerCase(),
    token,
    rooms = [],
    welcome = {},
    ...rest
  }: Step<"hello">): Promise<void> {
    if (!this.#sockets.has(hello)) await this.#open(hello, this.#credentials(token));
    const generation = this.#scope.generation(as, rest.generation);
    const { contract } = rest;
    const frame = {
      type: "hello",
      secret: this.#scope.secret(as),
      generation,
      rooms: this.#scope.fill(rooms),
      ...(contract !== undefined && { contract: this.#scope.fill(contract) }),
    };
    this.#socket(hello).send(JSON.stringify(frame));
    await this.#expectations.frames(this.#socket(hello), [{ type: "welcome", ...welcome }]);
  }

  #credentials(token: string | undefined): DialFields {
    if (this.#it.config["authenticate"] === false) return {};
    return { token: token ?? this.#scope.own(defaultToken, "token") };
  }

  /** A hello with one room, and its `joined`. */
  async #enter({
    enter,
    room,
    history,
    position,
    presence,
    joined = {},
    ...step
  }: Step<"enter">): Promise<void> {
    const join = {
      room,
      ...(history !== undefined && { history }),
      ...(position !== undefined && { position }),
      ...(presence !== undefined && { presence }),
    };
    const { as, token, generation } = step;
    await this.#hello({
      hello: enter,
      rooms: [join],
      ...(as !== undefined && { as }),
      ...(token !== undefined && { token }),
      ...(generation !== undefined && { generation }),
    });
    await this.#expectations.frames(this.#socket(enter), [{ type: "joined", room, ...joined }]);
  }

  #send({ send, frame, bytes, fragments = 1 }: Step<"send">): void {
    const text = JSON.stringify(this.#scope.fill(frame));
    if (bytes === undefined) return this.#socket(send).send(text, { fragments });
    const room = bytes - Buffer.byteLength(text) + "${pad}".length;
    if (!text.includes("${pad}") || room < 0) throw new CaseError(`"bytes" needs one "\${pad}" in the frame`);
    this.#socket(send).send(text.replace("${pad}", "x".repeat(room)), { fragments });
  }

  /** Nothing comes before the answer to a question that is sent now. */
  async #quiet(socket: WireSocket): Promise<void> {
    this.#pings += 1;
    const data = `quiet-${this.#pings}`;
    if (socket.isWelcomed) socket.send('{"type":"ping"}');
    else socket.ping(data);
    const arrival = await this.#expectations.next(socket, "the answer to a ping");
    const isAnswer =
      (arrival.kind === "pong" && arrival.data === data) ||
      (arrival.kind === "frame" && isObject(arrival.frame) && arrival.frame["type"] === "pong");
    if (!isAnswer) throw unexpected("nothing", arrival);
  }

  async #control({ control, answer: pattern }: Step<"control">): Promise<void> {
    const answer = await this.#server.control(this.#scope.fill(control));
    const why = pattern === undefined ? null : mismatch(pattern, answer, this.#scope);
    if (why) throw new Error(`${why}\nthe control channel answered ${shown(answer)}`);
  }
}

interface DialFields {
  readonly token?: string;
  readonly headers?: JsonObject;
  readonly protocols?: readonly unknown[];
  readonly path?: string;
}

interface HttpFields extends Omit<DialFields, "protocols"> {
  readonly method?: string;
}
