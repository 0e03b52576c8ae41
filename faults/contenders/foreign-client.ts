import { CommandProcess } from "../../src/conformance/command-process.ts";
import type { JsonObject } from "../../src/conformance/case.ts";
import { isObject } from "../../src/conformance/form.ts";
import { parseJson } from "../../src/conformance/json.ts";
import { shown } from "../../src/conformance/match.ts";
import type { Position } from "bowline/protocol";
import { idOf } from "./bowline.ts";
import type { Message, Participant, Participate, Participation, RoomName } from "./contender.ts";

/** How clients of another language, or another build, are started. */
export interface ForeignClientOptions {
  /** For the shell: a client driver, as spec/CONFORMANCE.md describes it. */
  readonly command: string;
  /** How long one may take to be ready, and then to be in its rooms. */
  readonly startMs: number;
  /** Called when one has ended by itself, or said what is none of the driver's lines. */
  readonly onFailure: (error: Error) => void;
}

/** What a client is told to take for chance, so that waits are short as the run is. */
const chance = 0.05;

/** Clients in processes of their own, driven by JSON lines. */
export function foreignClients(options: ForeignClientOptions): Participate {
  return async (participation) => {
    const client = new ForeignClient(options, participation);
    try {
      await client.start();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  };
}

interface Call {
  resolve(position: Position): void;
  reject(error: Error): void;
}

class ForeignClient implements Participant {
  readonly #options: ForeignClientOptions;
  readonly #participation: Participation;
  readonly #process: CommandProcess;
  readonly #joined = new Map<string, Position>();
  readonly #present = new Map<string, readonly string[]>();
  readonly #calls = new Map<string, Call>();
  /** Commands that were neither done nor have failed, in their order: the id of a publish, or null. */
  readonly #commands: (string | null)[] = [];
  #isReady = false;
  #isClosed = false;
  #failure: Error | null = null;
  #look: () => void = () => {};

  constructor(options: ForeignClientOptions, participation: Participation) {
    this.#options = options;
    this.#participation = participation;
    this.#process = new CommandProcess({
      command: options.command,
      config: {},
      onLine: (line) => this.#receive(line),
      onEnd: (why) => this.#fail(why),
    });
  }

  /** Resolves when it is in all its rooms. */
  async start(): Promise<void> {
    const { port, rooms, name } = this.#participation;
    await this.#until("did not say that it is ready", () => this.#isReady);
    this.#command({ do: "connect", url: `ws://127.0.0.1:${port}/bowline`, clock: "machine", chance });
    const presence = name === null ? {} : { presence: { name } };
    for (const room of rooms) this.#command({ do: "join", room, ...presence });
    await this.#until("did not join its rooms", () => this.#joined.size === rooms.length);
  }

  publish(room: RoomName, message: Message): Promise<Position> {
    const { id } = message;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      const payload = { text: JSON.stringify(message) };
      this.#command({ do: "publish", id, room, event: "message", payload }, id);
    });
  }

  present(room: RoomName): readonly string[] {
    return this.#present.get(room) ?? [];
  }

  close(): void {
    this.#isClosed = true;
    void this.#process.kill();
  }

  #command(command: JsonObject, id: string | null = null): void {
    this.#commands.push(id);
    this.#process.write(JSON.stringify(command));
  }

  /** Waits for what lines bring about. */
  async #until(lack: string, holds: () => boolean): Promise<void> {
    const { startMs } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(this.#error(`${lack} within ${startMs} ms${this.#process.lastWords()}`)),
        startMs,
      );
      this.#look = () => {
        if (!this.#failure && !holds()) return;
        clearTimeout(timer);
        if (this.#failure) reject(this.#failure);
        else resolve();
      };
      this.#look();
    });
    this.#look = () => {};
  }

  #receive(line: string): void {
    if (this.#isClosed) return;
    const told = parseJson(line);
    try {
      if (!isObject(told)) throw new Error("no JSON object");
      this.#take(told);
    } catch (error) {
      this.#fail(`told ${shown(line)}: ${(error as Error).message}`);
    }
    this.#look();
  }

  #take(told: JsonObject): void {
    const room = told["room"] as RoomName;
    const { log } = this.#participation;
    switch (told["tell"]) {
      case "ready":
        this.#isReady = true;
        return;
      case "done":
      case "failed":
        return this.#answered(told);
      case "joined":
        return this.#join(room, positionOf(told));
      case "event": {
        const { text } = told["payload"] as { text: string };
        const replayed = told["replayed"] === true;
        return log(room, { type: "delivered", id: idOf(text), position: positionOf(told), replayed });
      }
      case "gap":
        return log(room, { type: "gap", reason: told["reason"] as "epoch", position: positionOf(told) });
      case "presence":
        this.#present.set(room, (told["members"] as JsonObject[]).map(nameOf));
        return;
      case "settled":
        return this.#settle(told);
      default:
    }
  }

  /** Only the first time: what comes after a reconnect is told by events and gaps. */
  #join(room: RoomName, position: Position): void {
    if (this.#joined.has(room)) return;
    this.#joined.set(room, position);
    this.#participation.log(room, { type: "joined", position });
  }

  #answered(told: JsonObject): void {
    const id = this.#commands.shift() ?? null;
    if (told["tell"] === "done") return;
    const failure = `${String(told["code"])}: ${String(told["message"])}`;
    if (id === null) throw new Error(`a command that can't fail here failed with ${failure}`);
    this.#settle({ id, outcome: "refused", code: told["code"] });
  }

  #settle(told: JsonObject): void {
    const id = String(told["id"]);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (told["outcome"] === "acked") call?.resolve(positionOf(told));
    else call?.reject(Object.assign(new Error(`${id} was refused`), { code: told["code"] }));
  }

  #fail(why: string): void {
    if (this.#isClosed || this.#failure) return;
    this.#failure = this.#error(why);
    this.#options.onFailure(this.#failure);
    for (const call of this.#calls.values()) call.reject(this.#failure);
    this.#calls.clear();
    this.#look();
  }

  #error(why: string): Error {
    return new Error(`the client (${this.#options.command}) ${why}`);
  }
}

function positionOf({ position }: JsonObject): Position {
  const { epoch, offset } = (position ?? {}) as Partial<Position>;
  if (typeof epoch !== "string" || typeof offset !== "number") throw new Error("it has no position");
  return { epoch, offset };
}

function nameOf({ state }: JsonObject): string {
  return (state as { name?: string } | null)?.name ?? "";
}
