import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { ConformanceCase, JsonObject } from "../case.ts";
import { verbOf, type StepOf } from "../form.ts";
import { mismatch, shown } from "../match.ts";
import type { Stage } from "../run-cases.ts";
import { Scope } from "../scope.ts";
import { AcceptedSocket } from "./accepted-socket.ts";
import { clientForms } from "./client-forms.ts";
import type { ClientUnderTest } from "./client-under-test.ts";
import { SessionBook, sessionIdOf } from "./session-book.ts";
import { ScriptedServer, type Dial, type HttpAnswer } from "./scripted-server.ts";
import { WireMemory } from "./wire-rules.ts";

type Forms = typeof clientForms;
type Step<Verb extends keyof Forms> = StepOf<Forms, Verb>;

/** Where a client case plays. */
export interface ClientStageOptions {
  readonly client: ClientUnderTest;
  readonly clock: Clock;
  /** How long to wait for what a step expects. */
  readonly limitMs: number;
}

/** What a case may leave untaken of what it was told: news of the connection, which clients tell in their own ways. */
const news: ReadonlySet<unknown> = new Set(["status", "presence", "joined", "left", "trouble"]);
/** How long a client that is not to dial is watched: a fault that is slower passes, a right one is never blamed. */
const noDialMs = 50;
const lineMax = 12;

/** One client case: a server that does what the steps say, and the client that is driven by them. */
export class ClientStage implements Stage {
  readonly #client: ClientUnderTest;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #server: ScriptedServer;
  readonly #scope = new Scope("");
  readonly #sockets = new Map<string, AcceptedSocket>();
  /** Sockets that the case ended itself: what was under way on them is nobody's. */
  readonly #ended = new Set<AcceptedSocket>();
  readonly #book = new SessionBook();
  readonly #memory = new WireMemory();
  readonly #lines: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "bowline-conformance-"));
  /** The wait that the client told of last, unless it has dialled since. */
  #retryInMs: number | null = null;
  #stepsLeft: number;

  private constructor(it: ConformanceCase, server: ScriptedServer, options: ClientStageOptions) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#limitMs = options.limitMs;
    this.#server = server;
    this.#stepsLeft = it.steps.length;
  }

  static async open(it: ConformanceCase, options: ClientStageOptions): Promise<ClientStage> {
    await options.client.reset();
    return new ClientStage(it, await ScriptedServer.listen(options.clock), options);
  }

  async play(step: JsonObject): Promise<void> {
    const verb = verbOf(clientForms, step) as keyof Forms;
    const play = this.#verbs[verb] as (step: JsonObject) => Promise<void> | void;
    await play(step);
    this.#stepsLeft -= 1;
    if (this.#stepsLeft === 0) await this.#finish();
  }

  trace(): readonly string[] {
    const sockets = [...this.#sockets].flatMap(([name, { trace }]) => trace.map((line) => `${name} ${line}`));
    return [...sockets, ...this.#lines.slice(-lineMax)];
  }

  async end(): Promise<void> {
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #verbs: { readonly [Verb in keyof Forms]: (step: Step<Verb>) => Promise<void> | void } = {
    do: ({ do: command, fails }) => this.#do(command, fails),
    start: async ({ start: name, with: options = {}, request, frame, welcome }) => {
      await this.#do({ do: "connect", ...options });
      await this.#accept(name, request);
      await this.#hello(name, frame, welcome);
      await this.#take({ tell: "status", state: "open" }, true);
    },
    accept: ({ accept: name, request, pings }) => this.#accept(name, request, pings),
    refuse: async ({ refuse: request, answer }) =>
      (await this.#dial(request)).refuse(this.#scope.fill(answer) as HttpAnswer),
    cut: async ({ cut: request }) => (await this.#dial(request)).cut(),
    asked: async ({ asked: request, answer }) => {
      const question = await this.#server.questions.take(this.#limitMs, () =>
        this.#late("a plain GET of the path"),
      );
      this.#check(request, question.request, "the request");
      if (answer) question.answer(this.#scope.fill(answer) as HttpAnswer);
      else question.cut();
    },
    hello: ({ hello: name, frame, welcome, silent }) => this.#hello(name, frame, silent ? null : welcome),
    back: async ({ back: name, request, frame, welcome }) => {
      if (this.#retryInMs === null) await this.#take({ tell: "status", state: "waiting" }, true);
      await this.#client.advance(this.#retryInMs ?? 0);
      await this.#accept(name, request);
      await this.#hello(name, frame, welcome);
      await this.#take({ tell: "status", state: "open" }, true);
    },
    enter: async ({ enter: name, room, options = {}, joined = {} }) => {
      await this.#do({ do: "join", room, ...options });
      await this.#expect(name, { type: "join", room });
      const members = room.startsWith("chat/") && !("count" in joined) ? { members: [] } : {};
      const defaults = { type: "joined", room, position: { offset: 0, epoch: "log-1" }, head: 0, ...members };
      this.#send(name, { ...defaults, ...joined });
      await this.#take({ tell: "joined", room }, true);
    },
    expect: ({ expect: name, frame, anyOrder }) =>
      frame ? this.#expect(name, frame).then(() => {}) : this.#expectAll(name, anyOrder ?? []),
    send: ({ send: name, frame }) => this.#send(name, frame),
    sendText: ({ sendText: name, text }) => this.#socket(name).sendText(this.#scope.embed(text)),
    sendBytes: ({ sendBytes: name, base64 }) => this.#socket(name).sendBytes(Buffer.from(base64, "base64")),
    closed: async ({ closed: name, code }) => {
      const end = await this.#socket(name).ends.take(this.#limitMs, () =>
        this.#late("the end of the socket"),
      );
      if (code !== undefined) this.#check({ code }, end, "the end of the socket");
    },
    close: ({ close: name, code, reason = "" }) => this.#ending(name).close(code, reason),
    break: ({ break: name }) => this.#ending(name).cut(),
    quiet: async ({ quiet: name }) => {
      await this.#socket(name).catchUp(this.#limitMs);
      this.#checkNothingSent(this.#socket(name), name);
    },
    pong: ({ pong: name }) => this.#socket(name).catchUp(this.#limitMs),
    wsPing: ({ wsPing: name }) => this.#socket(name).pingLine(this.#limitMs),
    told: ({ told: line }) => this.#take(line, false).then(() => {}),
    until: ({ until: line }) => this.#take(line, true).then(() => {}),
    never: async ({ never: kind }) => {
      await this.#client.run({ do: "sync" });
      const line = this.#client.process.told.rest.find(({ tell }) => tell === kind);
      if (line) throw new Error(`nothing should be told as "${kind}", but there is ${shown(line)}`);
    },
    advance: ({ advance: ms }) => this.#client.advance(Number(this.#scope.fill(ms))),
    noDial: async ({ noDial: ms }) => {
      await this.#client.pass(ms);
      await new Promise<void>((resolve) => void this.#clock.setTimer(noDialMs, resolve));
      if (this.#server.dials.rest.some((it) => !it.isOver()))
        throw new Error("it must not dial here, but did");
    },
    restart: async () => {
      for (const socket of this.#sockets.values()) this.#ended.add(socket);
      await this.#client.restart();
      for (const dial of this.#server.dials.drain()) dial.cut();
    },
  };

  /** Has the client carry a command out; with `fails`, it has to say that it can't. */
  async #do(command: JsonObject, fails?: JsonObject): Promise<void> {
    const filled = this.#scope.fill(command) as JsonObject;
    const more = filled["do"] === "connect" ? this.#connectFields(filled) : {};
    const answer = await this.#client.process.run({ ...filled, ...more });
    if (fails) return this.#check({ tell: "failed", ...fails }, answer, "the answer");
    if (answer["tell"] === "failed") throw new Error(`the client could not: ${String(answer["message"])}`);
  }

  #connectFields({ store }: JsonObject): JsonObject {
    const path = typeof store === "string" ? { store: join(this.#folder, store) } : {};
    return { url: this.#server.url, ...path };
  }

  async #dial(request: JsonObject = {}): Promise<Dial> {
    const dial = await this.#server.dials.take(
      this.#limitMs,
      () => this.#late("a connection attempt"),
      (it) => !it.isOver(),
    );
    this.#retryInMs = null;
    this.#check(request, dial.request, "the request");
    return dial;
  }

  async #accept(name: string, request?: JsonObject, pings = true): Promise<void> {
    const dial = await this.#dial(request);
    const socket = new AcceptedSocket(await dial.accept("bowline.v1.json"), this.#clock, this.#memory);
    socket.answersPings = pings;
    this.#sockets.set(name, socket);
  }

  /** Reads the hello of a socket, and answers it unless `welcome` is null. */
  async #hello(name: string, frame: JsonObject = {}, welcome: JsonObject | null = {}): Promise<void> {
    const { secret, generation } = await this.#expect(name, { type: "hello", ...frame });
    this.#client.process.secrets.add(String(secret));
    this.#scope.bind("secret", secret);
    this.#scope.bind("generation", generation);
    this.#scope.bind("session", sessionIdOf(String(secret)));
    const filled = welcome && (this.#scope.fill(welcome) as JsonObject);
    if (filled) this.#sendFilled(name, this.#book.welcome(this.#socket(name), String(secret), filled));
  }

  async #expect(name: string, pattern: JsonObject): Promise<JsonObject> {
    const frame = await this.#nextFrame(name, `a frame like ${shown(pattern)}`);
    this.#check(pattern, frame, "the frame");
    return frame;
  }

  async #expectAll(name: string, patterns: readonly unknown[]): Promise<void> {
    const frames: JsonObject[] = [];
    while (frames.length < patterns.length)
      frames.push(await this.#nextFrame(name, `${patterns.length} frames, of which ${frames.length} came`));
    this.#check({ $anyOrder: patterns }, frames, "the frames");
  }

  #nextFrame(name: string, what: string): Promise<JsonObject> {
    return this.#socket(name).frames.take(this.#limitMs, () => this.#late(what));
  }

  #send(name: string, frame: JsonObject): void {
    this.#sendFilled(name, this.#scope.fill(frame) as JsonObject);
  }

  #sendFilled(name: string, frame: JsonObject): void {
    this.#book.sent(this.#socket(name), frame);
    this.#socket(name).send(frame);
  }

  /** The next line of a kind; with `skips`, the next that fits. */
  async #take(pattern: JsonObject, skips: boolean): Promise<JsonObject> {
    for (;;) {
      const line = await this.#client.process.told.take(
        this.#limitMs,
        () => this.#late(`the client to tell ${shown(pattern)}`),
        ({ tell }) => tell === pattern["tell"],
      );
      this.#lines.push(`told ${shown(line)}`);
      if (line["state"] === "waiting") this.#retryInMs = Number(line["retryInMs"]);
      const why = mismatch(pattern, line, this.#scope);
      if (why === null) return line;
      if (!skips) throw new Error(`what is told: ${why}\ncame: ${shown(line)}`);
    }
  }

  #check(pattern: unknown, value: unknown, what: string): void {
    const why = mismatch(pattern, value, this.#scope);
    if (why) throw new Error(`${what}: ${why}\ncame: ${shown(value)}`);
  }

  /** After the last step: what was sent or told and nobody expected fails the case as well. */
  async #finish(): Promise<void> {
    for (const [name, socket] of this.#sockets) {
      if (this.#ended.has(socket)) continue;
      if (!socket.isOver) await socket.catchUp(this.#limitMs);
      this.#checkNothingSent(socket, name);
    }
    await this.#client.run({ do: "sync" });
    const [question] = this.#server.questions.rest;
    if (question) throw new Error(`nothing should be asked by HTTP, but there is ${shown(question.request)}`);
    const line = this.#client.process.told.rest.find(({ tell }) => !news.has(tell));
    if (line) throw new Error(`at its end, nothing more should be told, but there is ${shown(line)}`);
  }

  #checkNothingSent({ frames, broken }: AcceptedSocket, name: string): void {
    if (broken) throw broken;
    const [frame] = frames.rest;
    if (frame) throw new Error(`nothing more should be sent over ${name}, but there is ${shown(frame)}`);
  }

  #ending(name: string): AcceptedSocket {
    const socket = this.#socket(name);
    this.#ended.add(socket);
    return socket;
  }

  #socket(name: string): AcceptedSocket {
    const socket = this.#sockets.get(name);
    if (!socket) throw new Error(`no socket "${name}" was accepted before this step`);
    return socket;
  }

  #late(what: string): Error {
    const waiting = this.#client.process.told.rest.map((line) => `\n  told ${shown(line)}`).join("");
    return new Error(`waited ${this.#limitMs} ms for ${what}${waiting && `; nobody took:${waiting}`}`);
  }
}
