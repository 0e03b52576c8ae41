import type { Contract } from "../contract/contract.ts";
import { defaultLimits } from "../server/limits.ts";
import type { Device } from "./device.ts";
import type { FormerRoom } from "./faults.ts";
import type { RecordedClient } from "./recorded-client.ts";
import type { RecordedRoom } from "./recorded-room.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Mood, Note } from "./swarm-contract.ts";
import type { ActionName, SwarmKnobs } from "./swarm-knobs.ts";
import { strangerName } from "./swarm-server.ts";
import type { World } from "./world.ts";

/** Cut from one text: making a new one each time costs more than all else about a publish. */
const ballast = "x".repeat(65_536);

/** What the devices of a swarm do: each on its own, at random moments. */
export class Workload {
  readonly #world: World<Contract>;
  readonly #knobs: SwarmKnobs;
  readonly #random: SeededRandom;
  #isOver = false;
  #numbers = 0;
  #pendingPeak = 0;

  constructor(world: World<Contract>, knobs: SwarmKnobs) {
    this.#world = world;
    this.#knobs = knobs;
    this.#random = world.random.fork("workload");
  }

  start(): void {
    for (const device of this.#world.devices) {
      if (this.#knobs.joinsAll) this.#joinAll(clientOf(device));
      else this.#act(device, "join");
      this.#next(device);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** What an application does after a reload: joins its rooms again, from where it was or anew. */
  rejoin(device: Device<Contract>, former: readonly FormerRoom[]): void {
    for (const { name, position, state } of former) {
      const keeps = position && this.#random.chance(0.7);
      clientOf(device).join(name, {
        ...(keeps && { position }),
        ...(state !== undefined && { presence: state }),
        history: this.#history(),
      });
    }
  }

  /** Notes how full everything with a bound came to be. */
  measure(): void {
    const { history, network, nodes } = this.#world;
    const { outboxCount, limits } = this.#knobs;
    const { peakBytes, largestBytes, largestListBytes } = network.measure();
    const bound = (limits.outboxBytes ?? 0) + (limits.slowBytes ?? 0) + 2 * largestBytes;
    history.add({ type: "measured", what: "bytes waiting in a socket", value: peakBytes, bound });
    history.add({
      type: "measured",
      what: "publishes in an outbox",
      value: this.#pendingPeak,
      bound: outboxCount,
    });
    const { presenceBytes } = { ...defaultLimits, ...limits };
    history.add({
      type: "measured",
      what: "a list of members",
      value: largestListBytes,
      bound: presenceBytes,
    });
    const rooms = 2 * this.#knobs.rooms;
    for (const { name, server } of nodes)
      history.add({
        type: "measured",
        what: `rooms of ${name}`,
        value: server?.stats().rooms ?? 0,
        bound: rooms,
      });
  }

  /** What an application does for somebody who was turned away: tries again with the next token, if there is one. */
  comeBack(device: Device<Contract>): void {
    const mayComeBack = this.#knobs.accounts !== null && device.name !== strangerName;
    if (mayComeBack && device.client.status.state === "closed")
      device.process.run(() => device.client.connect());
  }

  #next(device: Device<Contract>): void {
    this.#world.timeline.after(this.#random.waitMs(this.#knobs.actionMeanMs), () => {
      if (this.#isOver) return;
      this.comeBack(device);
      device.process.run(() => this.#act(device, this.#random.weighted(this.#knobs.actions)));
      this.#next(device);
    });
  }

  #act(device: Device<Contract>, action: ActionName): void {
    const client = clientOf(device);
    const room = this.#random.pick([...device.rooms, null]);
    this.#actions[action](client, room);
    if (action === "burst") this.#pendingPeak = Math.max(this.#pendingPeak, client.pending.length);
  }

  readonly #actions: Readonly<
    Record<ActionName, (client: RecordedClient, room: RecordedRoom | null) => void>
  > = {
    publish: (_, room) => void room?.publish("note", this.#note()),
    burst: (_, room) => {
      for (let left = this.#random.int(2, 40); left > 0; left -= 1) room?.publish("note", this.#note());
    },
    signal: (_, room) => void room?.publish("hint", this.#note()),
    invalid: (_, room) => void room?.publish("note", { fill: "no number" }),
    presence: (_, room) => {
      if (room?.name.startsWith("open/")) room.presence.set(this.#mood());
    },
    once: (client) => this.#request(client, "once"),
    again: (client) => this.#request(client, "again"),
    join: (client) => this.#join(client),
    leave: (_, room) => room?.leave(),
    foreign: (client, room) => this.#publishFromOutside(client, room),
    server: () => this.#publishAsServer(),
  };

  #request(client: RecordedClient, name: string): void {
    void client.request(name, this.#note(), { timeoutMs: this.#random.int(500, 30_000) }).catch(() => {});
  }

  #join(client: RecordedClient): void {
    const name = this.#roomName();
    const hasPresence = name.startsWith("open/") && this.#random.chance(0.6);
    client.join(name, {
      history: this.#history(),
      ...(hasPresence && { presence: this.#mood() }),
    });
  }

  /** Is present in every open room. */
  #joinAll(client: RecordedClient): void {
    for (let room = 1; room <= this.#knobs.rooms; room += 1)
      client.join(`open/${room}`, { presence: this.#mood() });
  }

  #mood(): Mood {
    const mood = ++this.#numbers;
    const { stateFillMax } = this.#knobs;
    return stateFillMax === 0
      ? { mood }
      : { mood, fill: ballast.slice(0, this.#random.int(0, stateFillMax)) };
  }

  /** Publishes what was left just before: nobody has to be in a room to publish to it. */
  #publishFromOutside(client: RecordedClient, room: RecordedRoom | null): void {
    const target = room ?? client.join(this.#roomName());
    target.leave();
    target.publish("note", this.#note());
  }

  #publishAsServer(): void {
    const up = this.#world.nodes.filter(({ server }) => server !== null);
    if (up.length === 0) return;
    const { name: node, server, process } = this.#random.pick(up);
    const room = this.#roomName();
    const note = this.#note();
    process.run(() => {
      server?.publish(room as never, "notice" as never, note).then(
        (position) =>
          this.#world.history.add({
            type: "server-stored",
            node,
            room,
            position,
            json: JSON.stringify(note),
          }),
        () => {},
      );
    });
  }

  #roomName(): string {
    return `${this.#random.chance(0.8) ? "open" : "closed"}/${this.#random.int(1, this.#knobs.rooms)}`;
  }

  #history(): number {
    return this.#random.chance(0.5) ? 0 : this.#random.int(1, 50);
  }

  #note(): Note {
    return { n: ++this.#numbers, fill: ballast.slice(0, this.#random.int(0, this.#knobs.fillMax)) };
  }
}

function clientOf(device: Device<Contract>): RecordedClient {
  return device.client as unknown as RecordedClient;
}
