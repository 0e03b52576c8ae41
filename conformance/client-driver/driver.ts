import { randomBytes } from "node:crypto";
import {
  createClient,
  type BowlineError,
  type Client,
  type Contract,
  type Room,
  type Transport,
  type WebSocketClass,
} from "bowline/client";
import { fileStore } from "bowline/client/file-store";
import { WebSocket } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { processTransport } from "../../src/client/process-transport.ts";
import { ManualClock, turns } from "./manual-clock.ts";
import { UntoldSocket } from "./untold-socket.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One line of what a case does with a client. */
export interface Command extends Fields {
  readonly do: string;
}

/** What JSON has no way to write. */
const cycle: { self?: object } = {};
cycle.self = cycle;

/** What this driver can do beyond what each has to. */
export const offers = ["clock", "chance", "wake", "untold", "persistence", "user", "unwritable"];

/** Drives one client at a time as the commands say, and tells what comes of it. spec/CONFORMANCE.md has both. */
export class ClientDriver {
  readonly #contract: Contract;
  readonly #tell: (line: object) => void;
  #clock = new ManualClock();
  #client: Client | null = null;
  readonly #rooms = new Map<string, Room>();
  /** What the token source gives, one after another; the last one stays. */
  #tokens: readonly (string | null)[] = [null];
  readonly #wakes = new Set<() => void>();
  /** Refs of the publishes that were called in this process. */
  readonly #own = new Set<number>();

  constructor(contract: Contract, tell: (line: object) => void) {
    this.#contract = contract;
    this.#tell = tell;
  }

  /** Carries a command out as far as that needs no time and no server, and tells that, or why it could not. */
  async run(command: Command): Promise<void> {
    try {
      const task = Object.hasOwn(this.#commands, command.do) ? this.#commands[command.do] : undefined;
      if (!task) throw new Error(`no command "${command.do}"`);
      await task(command);
      await turns();
      this.#tell({ tell: "done", do: command.do });
    } catch (error) {
      const { code, message } = error as Partial<BowlineError>;
      this.#tell({ tell: "failed", do: command.do, code, message });
    }
  }

  readonly #commands: Readonly<Record<string, (command: Fields) => unknown>> = {
    connect: (command) => this.#connect(command),
    again: () => this.#now().connect(),
    join: ({ room, history, position, presence }) =>
      this.#join(String(room), { history, position, presence }),
    leave: ({ room }) => this.#room(room).leave(),
    publish: (command) => this.#publish(command),
    request: ({ id, request, payload, timeoutMs }) => {
      const options = timeoutMs === undefined ? {} : { timeoutMs: Number(timeoutMs) };
      this.#settle(() => ({ id }), this.#now().request(String(request), payload, options), "replied");
    },
    signal: ({ room, event, payload }) => void this.#room(room).publish(String(event) as never, payload),
    presence: ({ room, payload }) => this.#room(room).presence.set(payload),
    token: ({ token }) => (this.#tokens = [token as string | null]),
    wake: () => {
      for (const wake of this.#wakes) wake();
    },
    close: () => this.#now().close(),
    sync: () => {},
    advance: ({ ms }) => this.#clock.advance(Number(ms)),
    reset: () => this.#reset(),
  };

  #connect({ url, token = null, user = null, store, chance, untold, clock: which }: Fields): void {
    if (this.#client) throw new Error("there is a client already: reset first");
    this.#tokens = [token].flat() as (string | null)[];
    const clock = which === "machine" ? systemClock : this.#clock;
    const client = createClient(this.#contract, {
      url: String(url),
      token: () => this.#takeToken(),
      user: user as string | null,
      transport: this.#transport(untold ? UntoldSocket : (WebSocket as unknown as WebSocketClass)),
      clock,
      log: false,
      onError: (error) => this.#tell({ tell: "trouble", message: String(error) }),
      ...(typeof store === "string" && { store: fileStore(store) }),
      ...(chance !== undefined && { random: { float: () => Number(chance), id: systemId } }),
    });
    this.#client = client;
    client.onStatus((status) => {
      const { state, ...more } = status;
      const told =
        status.state === "closed"
          ? { code: status.error?.code ?? null, message: status.error?.message }
          : status.state === "waiting"
            ? { retryInMs: status.retryAt - clock.now(), reason: status.reason }
            : more;
      this.#tell({ tell: "status", state, user: client.user, session: client.session, ...told });
    });
    client.onFate(({ ref, id: publication, fate, position, error }) => {
      if (this.#own.has(ref) || fate === "queued" || fate === "sent") return;
      this.#tell({
        tell: "settled",
        publication,
        ...outcomeOf(fate === "stored" ? "acked" : error, position),
      });
    });
  }

  #reset(): void {
    this.#client?.close();
    this.#client = null;
    this.#clock = new ManualClock();
    this.#rooms.clear();
    this.#own.clear();
    this.#wakes.clear();
  }

  #now(): Client {
    if (!this.#client) throw new Error("there is no client: connect first");
    return this.#client;
  }

  #room(name: unknown): Room {
    const room = this.#rooms.get(String(name));
    if (!room) throw new Error(`${String(name)} was not joined`);
    return room;
  }

  #takeToken(): string | null {
    const [token = null, ...others] = this.#tokens;
    if (others.length > 0) this.#tokens = others;
    return token;
  }

  #transport(socketClass: WebSocketClass): Transport {
    return {
      ...processTransport(socketClass),
      onWake: (task) => {
        this.#wakes.add(task);
        return () => this.#wakes.delete(task);
      },
    };
  }

  #join(name: string, options: Fields): void {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const room: Room = this.#now().join(name, given);
    this.#rooms.set(name, room);
    for (const [event, { kind }] of Object.entries(this.#contract.matchRoom(name)?.definition.events ?? {}))
      room.on(event, (message: object) => this.#tell({ tell: kind, room: name, ...message }));
    room.onGap((gap) => this.#tell({ tell: "gap", room: name, ...gap }));
    room.onError(({ code, message }) => this.#tell({ tell: "refused", room: name, code, message }));
    room.onStatus(({ state }) => {
      if (state === "joined") this.#tell({ tell: state, room: name, position: room.position });
      else if (state === "left") this.#tell({ tell: state, room: name });
    });
    room.presence.onChange((members) =>
      this.#tell({
        tell: "presence",
        room: name,
        members: [...members.values()],
        count: room.presence.count,
      }),
    );
  }

  #publish({ id, room, event, payload: given, unwritable }: Fields): void {
    const payload = unwritable ? cycle : given;
    const call = this.#now().publish(String(room), String(event) as never, payload);
    this.#own.add(call.ref);
    this.#settle(() => ({ id, publication: call.id }), call, "acked");
  }

  #settle(about: () => object, call: Promise<unknown>, outcome: "acked" | "replied"): void {
    call.then(
      (value) => this.#tell({ tell: "settled", ...about(), ...outcomeOf(outcome, value) }),
      (error: BowlineError) => this.#tell({ tell: "settled", ...about(), ...outcomeOf(error) }),
    );
  }
}

/** Unguessable characters: chance that a case sets is none to draw a secret with. */
function systemId(length: number): string {
  return randomBytes(length).toString("base64url").slice(0, length);
}

/** How a call ended, with what a case may look at of it. */
function outcomeOf(ending: "acked" | "replied" | BowlineError | undefined, value?: unknown): object {
  if (ending === "acked") return { outcome: "acked", position: value };
  if (ending === "replied") return { outcome: "replied", payload: value };
  const {
    code = ending?.name,
    message,
    retryable = false,
    issues = [],
  } = (ending ?? {}) as Partial<BowlineError>;
  return { outcome: "refused", code, message, retryable, issues };
}
