import { CommandProcess } from "../../conformance/command-process.ts";
import type { JsonObject } from "../../conformance/case.ts";
import { isObject } from "../../conformance/form.ts";
import { parseJson } from "../../conformance/json.ts";
import { shown } from "../../conformance/match.ts";
import type { BrokerSink, ClusterSettings, PresenceChange } from "../../server/broker.ts";

/** What starts adapters, and what they are told. */
export interface AdapterCommand {
  /** For the shell. `spec/BROKER.md` says what an adapter does. */
  readonly command: string;
  /** Put into `BOWLINE_CONFORMANCE`. */
  readonly config: JsonObject;
}

interface Call {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** How each line of a sink is given to it, and what it has to have. */
const sinkLines: Readonly<
  Record<string, { readonly fields: JsonObject; give(sink: BrokerSink, line: never): void }>
> = {
  entry: {
    fields: { room: "", epoch: "", offset: 0, data: "" },
    give: (sink, line: { room: string; epoch: string; offset: number; data: string }) =>
      sink.receiveEntry(line.room, line.epoch, { offset: line.offset, data: line.data }),
  },
  signal: {
    fields: { room: "", key: "", data: "" },
    give: (sink, { room, key, data }: { room: string; key: string; data: string }) =>
      sink.receiveSignal(room, key, data),
  },
  presence: {
    fields: { room: "", change: {} },
    give: (sink, { room, change }: { room: string; change: PresenceChange }) =>
      sink.receivePresence(room, change),
  },
  opened: {
    fields: { session: "", generation: 0 },
    give: (sink, { session, generation }: { session: string; generation: number }) =>
      sink.receiveOpened(session, generation),
  },
  hole: { fields: { room: "" }, give: (sink, { room }: { room: string }) => sink.receiveHole(room) },
  told: {
    fields: { message: "" },
    give: (sink, { message }: { message: string }) => sink.receiveTold(message),
  },
  outage: {
    fields: {},
    give: (sink, { reason }: { reason?: string | null }) =>
      sink.receiveOutage(reason === null || reason === undefined ? null : new Error(reason)),
  },
  fault: {
    fields: { message: "" },
    give: (sink, { message }: { message: string }) => sink.receiveFault(new Error(message)),
  },
  settings: {
    fields: { own: {}, others: {} },
    give: (sink, { own, others }: { own: ClusterSettings; others: Record<string, ClusterSettings> }) =>
      sink.receiveSettings(own, new Map(Object.entries(others))),
  },
};

/** An adapter in a process of its own: calls go in as JSON lines, answers and what the sink is told come out. */
export class AdapterProcess {
  readonly #command: string;
  readonly #process: CommandProcess;
  readonly #calls = new Map<number, Call>();
  /** What is told where the adapter's node is one that runs; null before its start and after its end. */
  sink: BrokerSink | null = null;
  #callCount = 0;
  #failure: Error | null = null;

  constructor({ command, config }: AdapterCommand) {
    this.#command = command;
    this.#process = new CommandProcess({
      command,
      config,
      onLine: (line) => this.#receive(line),
      onEnd: (why) => this.#fail(why),
    });
  }

  /** Whether it still does what it has to. */
  get isSound(): boolean {
    return this.#failure === null;
  }

  /** Sends a call at once; resolves with its answer, rejects where it says that it was rejected. */
  call(name: string, args: object): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#callCount += 1;
    const id = this.#callCount;
    this.#process.write(JSON.stringify({ id, call: name, args }));
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  #receive(line: string): void {
    const told = parseJson(line);
    const problem = isObject(told) ? this.#take(told) : "it is no JSON object";
    if (problem === null) return;
    this.#fail(`printed ${shown(line)}: ${problem}`);
    void this.kill();
  }

  /** Gives what is wrong with a line, or null. */
  #take(line: JsonObject): string | null {
    if (Object.hasOwn(line, "sink")) return this.#takeSinkLine(line);
    const call = this.#calls.get(line["id"] as number);
    if (!call) return "it is neither the answer of a call nor a line of the sink";
    const { id, error } = line;
    const isError = isObject(error) && typeof error["message"] === "string";
    if (!isError && !Object.hasOwn(line, "answer"))
      return 'an answer has "answer", or "error" with a "message"';
    this.#calls.delete(id as number);
    if (isError) call.reject(Object.assign(new Error(String(error["message"])), { code: error["code"] }));
    else call.resolve(line["answer"]);
    return null;
  }

  #takeSinkLine(line: JsonObject): string | null {
    const name = String(line["sink"]);
    const form = Object.hasOwn(sinkLines, name) ? sinkLines[name] : undefined;
    if (!form) return `a sink is told nothing called "${name}", but ${Object.keys(sinkLines).join(", ")}`;
    const lacking = Object.entries(form.fields).find(([field, kind]) => typeof line[field] !== typeof kind);
    if (lacking) return `"${lacking[0]}" must be a ${typeof lacking[1]}`;
    if (this.sink) form.give(this.sink, line as never);
    return null;
  }

  #fail(why: string): void {
    this.#failure ??= new Error(`the adapter (${this.#command}) ${why}`);
    for (const call of this.#calls.values()) call.reject(this.#failure);
    this.#calls.clear();
  }
}
