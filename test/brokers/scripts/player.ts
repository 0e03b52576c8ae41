import { deepEqual, equal, fail, ok } from "node:assert/strict";
import { systemRandom } from "../../../src/base/random.ts";
import type { AppendRequest, AppendResult, LogBound, Origin } from "../../../src/server/broker.ts";
import type { BrokerBench } from "../../../src/testing/broker-conformance.ts";
import { Scene, type CaseNode } from "../../../src/testing/conformance/scene.ts";
import { Deliveries } from "./deliveries.ts";
import { Model } from "./model.ts";
import type { AppendStep, ServiceFault, Step } from "./step.ts";

/** A bench, with what else can be done to its service. */
export interface ScriptBench extends BrokerBench {
  readonly freezeService?: () => void;
  readonly thawService?: () => void;
  /** Puts the data aside, while the service runs; what is returned puts it back, while it does not. */
  readonly copyService?: () => Promise<() => Promise<void>>;
}

/** Room 0 keeps little. */
const bounds: readonly LogBound[] = [
  { count: 3, ageMs: 3_600_000, bytes: 1_000_000 },
  { count: 1000, ageMs: 3_600_000, bytes: 1_000_000 },
  { count: 1000, ageMs: 3_600_000, bytes: 1_000_000 },
];
/** How long a frozen service stands still: longer than a call takes, and shorter than one waits. */
const frozenMs = 150;
const patienceMs = 20_000;

/** Plays a script; rejects where a broker did something else than it has to, and says at which step. */
export async function playScript(bench: ScriptBench, steps: readonly Step[]): Promise<void> {
  await Scene.play(bench, async (scene) => {
    const player = new Player(scene, bench);
    for (const [index, step] of steps.entries()) {
      try {
        await player.play(step, index);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${index}, ${JSON.stringify(step)}: ${text}`, { cause: error });
      }
    }
    await player.play({ do: "settle" }, steps.length);
  });
}

class Player {
  readonly #scene: Scene;
  readonly #bench: ScriptBench;
  readonly #model = new Model();
  readonly #deliveries = new Deliveries(this.#model);
  readonly #prefix = systemRandom.id(8);
  #nodes: CaseNode[] = [];
  #restore: (() => Promise<void>) | null = null;

  constructor(scene: Scene, bench: ScriptBench) {
    this.#scene = scene;
    this.#bench = bench;
  }

  async play(step: Step, index: number): Promise<void> {
    if (this.#nodes.length === 0) this.#nodes.push(await this.#scene.start());
    switch (step.do) {
      case "append":
        return this.#append([step], index);
      case "appends":
        return this.#append(step.appends, index);
      case "open":
      case "claim":
      case "answer":
      case "renew":
        return this.#session(step, index);
      default:
        return "room" in step ? this.#room(step, index) : this.#event(step, index);
    }
  }

  async #event(
    step: Extract<Step, { do: "settle" | "start" | "stop" | "crash" | "copy" | "service" }>,
    index: number,
  ): Promise<void> {
    switch (step.do) {
      case "settle":
        return this.#settle();
      case "copy":
        this.#restore = (await this.#bench.copyService?.()) ?? null;
        return undefined;
      case "service":
        return this.#service(step.how, step.during, index);
      default:
        return this.#changeNodes(step.do, step.node);
    }
  }

  async #append(appends: readonly AppendStep[], index: number): Promise<void> {
    const { broker } = this.#node(appends[0]?.node ?? 0);
    const requests = appends.map((append, at) => this.#request(append, `${index}.${at}`));
    const results = await Promise.all(requests.map(async (request) => broker.append(request)));
    for (const [at, result] of results.entries())
      this.#checkAppend(appends[at] as AppendStep, requests[at] as AppendRequest, result);
  }

  #request({ room, session, ref, ledgers, at }: AppendStep, text: string): AppendRequest {
    const name = this.#roomName(room);
    const { epoch, head } = this.#model.room(name);
    const end = { offset: head, epoch: epoch ?? "none" };
    const elsewhere = { offset: head + 7, epoch: end.epoch };
    // Where a log has no name yet, its end can't be asked for.
    const ifAt = at === "elsewhere" ? elsewhere : at === "end" && epoch !== null ? end : null;
    return {
      room: name,
      data: JSON.stringify({ text }),
      bound: bounds[room] as LogBound,
      ...(session !== null && { origin: this.#origin(session, ref, ledgers) }),
      ...(ifAt && { ifAt }),
    };
  }

  #checkAppend({ at }: AppendStep, { room, data, origin, ifAt }: AppendRequest, result: AppendResult): void {
    const epoch = "position" in result ? result.position.epoch : "";
    // What was asked for as the end may be it no more when several are made at once.
    const isEnd = !ifAt || at !== "end" || ifAt.offset === this.#model.room(room).head;
    deepEqual(
      result,
      this.#model.append({ room, data, origin: origin ?? null, at: isEnd ? at : "elsewhere" }, epoch),
    );
  }

  async #session(
    step: Extract<Step, { do: "open" | "claim" | "answer" | "renew" }>,
    index: number,
  ): Promise<void> {
    const { broker } = this.#node(step.node);
    const session = this.#sessionName(step.session);
    if (step.do === "open") {
      const user = step.isOther ? "somebody else" : "ada";
      const { generation } = step;
      const opening = await broker.openSession({ session, user, generation });
      const ledger = opening.outcome === "opened" ? opening.ledger : "";
      return deepEqual(opening, this.#model.open(session, user, generation, ledger));
    }
    if (step.do === "renew") return broker.renewSessions([session, "unknown"]);
    const origin = this.#origin(step.session, step.ref, "own");
    if (step.do === "claim") return deepEqual(await broker.claimRequest(origin), this.#model.claim(origin));
    await broker.answerRequest(origin, `answer ${index}`);
    this.#model.answer(origin, `answer ${index}`);
  }

  async #room(step: Extract<Step, { room: number }>, index: number): Promise<void> {
    const node = this.#node(step.node);
    const { broker, id } = node;
    const room = this.#roomName(step.room);
    const bound = bounds[step.room] as LogBound;
    switch (step.do) {
      case "find": {
        const origin = this.#origin(step.session, step.ref, "any");
        return deepEqual(await broker.find(room, origin), this.#model.find(room, origin));
      }
      case "read":
        return this.#read(node, step.room, step.after, step.limit);
      case "subscribe": {
        const state = await broker.subscribe(room, bound);
        this.#model.nameEpoch(room, state.epoch);
        this.#checkState(step.room, state);
        return this.#deliveries.subscribed(node, room);
      }
      case "unsubscribe":
        await broker.unsubscribe(room);
        return this.#deliveries.unsubscribed(node, room);
      case "signal":
        this.#deliveries.signals.add(`${room} ${index}`);
        return broker.signal(room, "key", `${room} ${index}`);
      case "members": {
        const { count, list } = await broker.members(room, step.limit);
        const present = this.#model.present(room);
        const listed = count <= step.limit ? present : [];
        return deepEqual({ count, list: sorted(list) }, { count: present.length, list: listed });
      }
      case "enter": {
        const member = { session: this.#sessionName(step.session), user: "ada", state: index };
        await broker.enter(room, member, step.generation);
        return this.#model.enter(room, member, step.generation, id);
      }
      case "exit": {
        const session = this.#sessionName(step.session);
        await broker.exit(room, session, step.generation);
        return this.#model.exit(room, session, step.generation);
      }
      default:
        return undefined;
    }
  }

  async #read(node: CaseNode, room: number, after: number, limit: number): Promise<void> {
    const name = this.#roomName(room);
    const page = await node.broker.read(name, after, limit);
    this.#model.nameEpoch(name, page.epoch);
    this.#checkState(room, page);
    deepEqual(
      page.entries.map(({ offset, data }) => ({ offset, data })),
      this.#entriesOf(room, after, limit),
    );
  }

  #entriesOf(room: number, after: number, limit: number): { offset: number; data: string }[] {
    const name = this.#roomName(room);
    const { head, entries } = this.#model.room(name);
    if (after < this.#model.base(name, bounds[room] as LogBound)) return [];
    const offsets = Array.from(
      { length: Math.max(0, Math.min(head - after, limit)) },
      (_, at) => after + 1 + at,
    );
    return offsets.map((offset) => ({ offset, data: entries.get(offset) as string }));
  }

  #checkState(room: number, { epoch, base, head }: { epoch: string; base: number; head: number }): void {
    const name = this.#roomName(room);
    const known = this.#model.room(name);
    const expected = {
      epoch: known.epoch,
      base: this.#model.base(name, bounds[room] as LogBound),
      head: known.head,
    };
    deepEqual({ epoch, base, head }, expected);
  }

  /** Everything that was told has come, everywhere, and everybody agrees on who is there. */
  async #settle(): Promise<void> {
    const { nodes = "many", leaseMs } = this.#bench;
    for (const node of this.#nodes) {
      await this.#scene.until(
        `entries come to ${node.id}`,
        () => this.#deliveries.isComplete(node),
        patienceMs,
      );
      this.#deliveries.check(node);
      for (const room of this.#model.members.keys()) await this.#settleMembers(node, room);
      if (nodes !== 1 && leaseMs !== undefined) await this.#settleNodes(node);
    }
  }

  async #settleMembers({ id, broker }: CaseNode, room: string): Promise<void> {
    let last = "";
    const expected = JSON.stringify(this.#model.present(room));
    const agrees = async (): Promise<boolean> => {
      last = JSON.stringify(sorted((await broker.members(room, 100)).list));
      return last === expected;
    };
    await this.#scene
      .until(`members of ${room} at ${id} are ${expected}`, agrees, patienceMs)
      .catch(() => equal(last, expected, `who is in ${room} at ${id}`));
  }

  async #settleNodes({ broker }: CaseNode): Promise<void> {
    const expected = this.#nodes.map(({ id }) => id).toSorted();
    const agrees = async (): Promise<boolean> =>
      String([...(await broker.nodes())].toSorted()) === String(expected);
    await this.#scene.until(`the nodes are ${String(expected)}`, agrees, patienceMs);
  }

  async #changeNodes(how: "start" | "stop" | "crash", which: number): Promise<void> {
    if (how === "start") {
      if (this.#nodes.length < 3) this.#nodes.push(await this.#scene.start());
      return;
    }
    if (this.#nodes.length === 1 && (how === "crash" || this.#bench.forgets)) return;
    const node = this.#node(which);
    this.#deliveries.check(node);
    if (how === "stop") await this.#scene.stop(node);
    else await this.#scene.crash(node);
    this.#nodes = this.#nodes.filter((other) => other !== node);
    this.#model.nodeGone(node.id);
    if (this.#nodes.length === 0) this.#nodes.push(await this.#scene.start());
    // Calls about members would see them go.
    await this.#settle();
  }

  async #service(how: ServiceFault, during: AppendStep | null, index: number): Promise<void> {
    if (how === "older" && !this.#restore) return;
    await this.#settle();
    const request = during && this.#request(during, `${index}`);
    const node = this.#node(during?.node ?? 0);
    let result: AppendResult | null = null;
    const trouble = this.#cause(how);
    if (request && how !== "wipe" && how !== "older")
      result = await Promise.resolve(node.broker.append(request)).catch(() => null);
    await trouble;
    await this.#scene.until("every node can read again", () => this.#canRead(), patienceMs);
    this.#deliveries.interrupted();
    if (how === "wipe" || how === "older") await this.#reconcile(how);
    if (during && request && how !== "wipe" && how !== "older") await this.#resolve(during, request, result);
    await this.#settle();
  }

  async #cause(how: ServiceFault): Promise<void> {
    const { freezeService, thawService, stopService, startService } = this.#bench;
    if (how === "freeze") {
      freezeService?.();
      await this.#scene.sleep(frozenMs);
      return thawService?.();
    }
    await stopService?.();
    if (how === "older") await this.#restore?.();
    this.#restore = null;
    await startService?.({ keepData: how !== "wipe" });
  }

  async #canRead(): Promise<boolean> {
    for (const { broker, heard } of this.#nodes) {
      const last = heard.outages.at(-1);
      if (last !== undefined && last !== null) return false;
      try {
        for (const room of bounds.keys()) await broker.read(this.#roomName(room), 0, 0);
      } catch {
        return false;
      }
    }
    return true;
  }

  /** An append whose answer did not come may have been made: it is made again until there is one. */
  async #resolve(step: AppendStep, request: AppendRequest, result: AppendResult | null): Promise<void> {
    if (result) return this.#checkAppend(step, request, result);
    const { broker } = this.#node(step.node);
    const { room, data, origin, ifAt } = request;
    const { head } = this.#model.room(room);
    const page = await broker.read(room, head, 10);
    const isThere = page.head === head + 1 && page.entries[0]?.data === data;
    if (isThere || page.head !== head) {
      ok(isThere, `an append that was made ends in a log at ${page.head}, which was at ${head}`);
      const made = this.#model.append({ room, data, origin: origin ?? null, at: "anywhere" }, page.epoch);
      equal(made.outcome, "stored", "what was made may be made");
    }
    if (!origin || ifAt) return;
    const again = await broker.append(request);
    this.#checkAppend(step, request, again);
  }

  /** Each log and session is what it was, or another one. After a wipe, all are others. */
  async #reconcile(how: "wipe" | "older"): Promise<void> {
    const { broker } = this.#node(0);
    for (const room of bounds.keys()) {
      const name = this.#roomName(room);
      const { epoch, head } = this.#model.room(name);
      const page = await broker.read(name, 0, 1000);
      if (page.epoch === epoch && how === "older") await this.#read(this.#node(0), room, 0, 1000);
      else if (epoch !== null) {
        ok(how === "older" || page.epoch !== epoch, `${name} was lost, and has the epoch that it had`);
        equal(page.head, 0, `${name} was at ${head} of ${epoch}, and is another log, which has entries`);
        this.#model.loseRoom(name);
      }
    }
    for (const [id, { ledger, generation, user, ref }] of Array.from(this.#model.sessions)) {
      const opening = await broker.openSession({ session: id, user, generation: generation + 1 });
      if (opening.outcome !== "opened") fail(`${id} can't be opened any more: ${opening.outcome}`);
      if (opening.ledger === ledger) {
        equal(how, "older", `the session ${id} was lost, and has the ledgers that it had`);
        equal(opening.ref, ref);
        this.#model.open(id, user, generation + 1, "");
      } else {
        this.#model.loseSession(id);
        this.#model.open(id, user, generation + 1, opening.ledger);
        const session = this.#model.sessions.get(id);
        if (session) session.ref = opening.ref;
      }
    }
  }

  #node(number: number): CaseNode {
    return (this.#nodes[number] ?? this.#nodes[0]) as CaseNode;
  }

  #roomName(room: number): string {
    return `${this.#prefix}/room-${room}`;
  }

  #sessionName(session: number): string {
    return `${this.#prefix}-session-${session}`;
  }

  #origin(session: number, ref: number, ledgers: AppendStep["ledgers"]): Origin {
    const id = this.#sessionName(session);
    const ledger =
      ledgers === "own" ? this.#model.sessions.get(id)?.ledger : ledgers === "other" ? "other" : undefined;
    return { session: id, ref, ...(ledger !== undefined && { ledger }) };
  }
}

function sorted<T extends { readonly session: string }>(members: readonly T[]): T[] {
  return members.toSorted((a, b) => (a.session < b.session ? -1 : 1));
}
