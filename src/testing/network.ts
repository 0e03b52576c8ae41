import type { Refusal, Transport } from "../client/socket.ts";
import { jsonSubprotocol } from "../protocol/frames.ts";
import type { Gate, UpgradeRequest } from "../server/engine.ts";
import type { History } from "./history.ts";
import { Line } from "./line.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimProcess } from "./sim-process.ts";

/** A node, as the network sees it. */
export interface Host {
  readonly name: string;
  readonly process: SimProcess;
  readonly gate: Gate;
  /** Whether it listens. */
  readonly isUp: boolean;
}

/** How the network is. */
export interface NetworkOptions {
  /** The shortest and the longest way of a frame from one end to the other. */
  readonly latencyMs: readonly [number, number];
  /** Above how many waiting bytes a socket says when it has drained. Default 65,536: what every engine has to do. */
  readonly drainBytes: number;
  /** Share of new lines that break after a few frames to the client: in the middle of a resume, that is. */
  tornShare: number;
  /** Records every frame. */
  readonly trace: boolean;
}

/** How a device is cut off: `silent` dials hang instead of being refused. */
export type Offline = "silent" | "refused";

/** How long a client waits to hear why it was refused. */
const askTimeoutMs = 5000;

/** How long after its end a token may still be good: what has to be looked at is looked at once a second. */
const expiryGraceMs = 3000;

/** All lines between devices and nodes. */
export class Network {
  readonly options: NetworkOptions;
  /** Lines of which at least one end stands. */
  readonly lines: Set<Line> = new Set();
  /** By device name. */
  readonly offline: Map<string, Offline> = new Map();
  #peakBytes = 0;
  #largestBytes = 0;
  #largestListBytes = 0;
  #tearNext = Infinity;
  readonly #random: SeededRandom;
  readonly #history: History;
  readonly #hosts: () => readonly Host[];

  constructor(options: NetworkOptions, random: SeededRandom, history: History, hosts: () => readonly Host[]) {
    this.options = options;
    this.#random = random;
    this.#history = history;
    this.#hosts = hosts;
  }

  /** The network as one process of a device sees it. `wakes` are what tells it that there is reason to try again. */
  transport(device: string, client: SimProcess, wakes: Set<() => void>): Transport {
    const random = this.#random.fork(`${client.name} dials`);
    return {
      open: (_url, token, listener) => {
        this.#history.add({ type: "dial", device });
        const host = this.#route(device, random);
        const line = this.#line(device, client, host, listener);
        if (this.offline.get(device) === "silent") line.goDeaf("both");
        if (!host) line.refuse();
        else line.knock(() => void this.#admit(host, line, token));
        return line.clientEnd;
      },
      ask: (_url, token) => this.#ask(device, client, token, random),
      onWake: (task) => {
        wakes.add(task);
        return () => void wakes.delete(task);
      },
    };
  }

  /** The next line that is opened breaks after so many frames to the client. */
  tearNext(frames: number): void {
    this.#tearNext = frames;
  }

  /** Lines of a device's process. */
  linesOf(process: SimProcess): Line[] {
    return [...this.lines].filter(({ client }) => client === process);
  }

  /** A process has died. `seen`: its machine lives on and resets its connections; otherwise nobody is told. */
  died(process: SimProcess, seen: boolean): void {
    for (const line of this.lines) {
      if (line.client !== process && line.node !== process) continue;
      line.reset({ client: seen && line.node === process, server: seen && line.client === process });
      if (line.node === process) this.#forget(line);
    }
  }

  /** Ends whatever slows lines down. */
  flow(): void {
    for (const line of this.lines) line.flow();
  }

  /** The most bytes that waited in any socket so far, the largest single write, and the longest list of members. */
  measure(): {
    readonly peakBytes: number;
    readonly largestBytes: number;
    readonly largestListBytes: number;
  } {
    const lines = [...this.lines];
    return {
      peakBytes: Math.max(this.#peakBytes, ...lines.map(({ peakBytes }) => peakBytes)),
      largestBytes: Math.max(this.#largestBytes, ...lines.map(({ largestBytes }) => largestBytes)),
      largestListBytes: Math.max(
        this.#largestListBytes,
        ...lines.map(({ largestListBytes }) => largestListBytes),
      ),
    };
  }

  readonly #latencyMs = (): number => this.#random.between(...this.options.latencyMs);

  #route(device: string, random: SeededRandom): Host | null {
    if (this.offline.get(device) === "refused") return null;
    const up = this.#hosts().filter(({ isUp }) => isUp);
    return up.length > 0 ? random.pick(up) : null;
  }

  #line(
    device: string,
    client: SimProcess,
    host: Host | null,
    listener: Parameters<Transport["open"]>[2],
  ): Line {
    const { drainBytes, trace, tornShare } = this.options;
    const line = new Line({
      client,
      node: host?.process ?? client,
      listener,
      latencyMs: this.#latencyMs,
      drainBytes,
      payloadBytes: host?.gate.payloadBytes ?? 0,
      watch: (from, to, text) => {
        if (trace) this.#history.add({ type: "frame", from: from.name, to: to.name, text });
      },
      closes: ({ wasSlow }, code) => this.#history.add({ type: "turned-out", device, code, wasSlow }),
      took: (taking) => this.#checkStay(device, taking),
      ended: (ended) => this.#forget(ended),
    });
    const isTorn = this.#random.chance(tornShare);
    line.tearAfter(isTorn ? this.#random.int(1, 8) : this.#tearNext);
    this.#tearNext = Infinity;
    this.lines.add(line);
    return line;
  }

  /** A token that has run out is good for nothing, once the node has had time to look at it. */
  #checkStay(device: string, { node, expiresAt }: Line): void {
    if (expiresAt === null) return;
    const value = node.clock.now() - expiresAt;
    if (value <= expiryGraceMs || node.wasAsleepSince(node.timeline.nowMs - value)) return;
    const what = `the time for which a token of ${device} had run out`;
    this.#history.add({ type: "measured", what, value, bound: expiryGraceMs });
  }

  #forget(line: Line): void {
    this.lines.delete(line);
    this.#peakBytes = Math.max(this.#peakBytes, line.peakBytes);
    this.#largestBytes = Math.max(this.#largestBytes, line.largestBytes);
    this.#largestListBytes = Math.max(this.#largestListBytes, line.largestListBytes);
  }

  async #admit(host: Host, line: Line, token: string | null): Promise<void> {
    const { gate, name: node } = host;
    const admission = await gate.admit(upgradeRequest(token), { holds: true });
    const user = admission.ok ? (admission.user?.id ?? null) : null;
    this.#history.add({ type: "admission", node, user, ok: admission.ok });
    if (!admission.ok) line.refuse();
    else if (line.isServerOver) gate.giveUp();
    else {
      line.expiresAt = admission.expiresAt;
      line.open(gate.open(line.serverEnd, admission));
    }
  }

  #ask(
    device: string,
    client: SimProcess,
    token: string | null,
    random: SeededRandom,
  ): Promise<Refusal | null> {
    return new Promise((resolve) => {
      const { timeline } = client;
      const answer = (refusal: Refusal | null): void =>
        void timeline.after(this.#latencyMs(), () => client.run(() => resolve(refusal)));
      timeline.after(askTimeoutMs, () => client.run(() => resolve(null)));
      const host = this.offline.has(device) ? null : this.#route(device, random);
      if (!host) return answer(null);
      timeline.after(this.#latencyMs(), () =>
        host.process.run(() => {
          void host.gate.admit(upgradeRequest(token), { holds: false }).then((admission) => {
            if (admission.ok) return answer(null);
            const { status, code, message, retryAfterSeconds = 0 } = admission;
            answer({ status, code, message, retryAfterMs: retryAfterSeconds * 1000 });
          });
        }),
      );
    });
  }
}

function upgradeRequest(token: string | null): UpgradeRequest {
  return {
    url: "/bowline",
    address: "127.0.0.1",
    headers: {
      "sec-websocket-protocol": jsonSubprotocol,
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
  };
}
