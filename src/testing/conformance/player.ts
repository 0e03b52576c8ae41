import { fail } from "node:assert/strict";
import type { JsonObject } from "../../conformance/case.ts";
import { verbOf } from "../../conformance/form.ts";
import { mismatch, shown } from "../../conformance/match.ts";
import type { LogEntry, LogPage } from "../../server/broker.ts";
import { act, actTogether } from "./actions.ts";
import type { BrokerBench, Need } from "./bench.ts";
import { Cast } from "./cast.ts";
import { durationMs } from "./duration.ts";
import { Follower } from "./follower.ts";
import { ampleBound, Scene } from "./scene.ts";
import { stepForms, type Script, type ScriptStep, type StepWith, type Verb } from "./script.ts";
import { unroll } from "./unroll.ts";
import { isComplete, look } from "./views.ts";

/** Between two looks for what is done again and again until it is heard. */
const repeatMs = 20;

/** Plays one script. Rejects with the step, what was expected and what came. */
export async function playScript(bench: BrokerBench, script: Script): Promise<void> {
  const player = new Player(bench, script);
  try {
    await player.begin();
    for (const [index, step] of script.steps.entries())
      await player.play(step).catch((error: unknown) => {
        throw new Error(`step ${index + 1}, ${shown(step)}: ${messageOf(error)}`, { cause: error });
      });
  } finally {
    await player.end();
  }
}

/** One script on its stage. */
export class Player {
  readonly #script: Script;
  readonly #cast: Cast;
  readonly #followers = new Map<string, Follower>();

  constructor(bench: BrokerBench, script: Script) {
    this.#script = script;
    this.#cast = new Cast(new Scene(bench));
  }

  /** Starts the nodes that are there from the beginning. */
  async begin(): Promise<void> {
    const { scene } = this.#cast;
    const { nodes } = this.#script;
    if (nodes === 1) this.#cast.name("a", await scene.start());
    if (nodes !== 2) return;
    const [a, b] = await scene.pair();
    this.#cast.name("a", a);
    this.#cast.name("b", b);
  }

  /** Plays a step as it stands in the file. */
  play(step: JsonObject): Promise<void> {
    return this.#play(unroll(step) as ScriptStep);
  }

  /** Brings the service back, which other scripts share, and stops all nodes. */
  async end(): Promise<void> {
    const { scene } = this.#cast;
    try {
      if (this.#script.needs.includes("service")) await scene.bench.startService?.({ keepData: true });
    } finally {
      await scene.end();
    }
  }

  async #play(step: ScriptStep): Promise<void> {
    const verb = verbOf(stepForms, step) as Verb;
    await this.#verbs[verb](step as never);
  }

  readonly #verbs: { readonly [Name in Verb]: (step: StepWith<Name>) => Promise<void> | void } = {
    start: (step) => act(this.#cast, step),
    stop: (step) => act(this.#cast, step),
    crash: ({ crash }) => this.#cast.scene.crash(this.#cast.node(crash)),
    call: (step) => act(this.#cast, step),
    together: (step) => actTogether(this.#cast, step),
    steps: ({ steps }) => this.#playAll(steps as ScriptStep[]),
    repeat: (step) => this.#repeat(step),
    pages: (step) => this.#pages(step),
    heard: (step) => this.#heard(step),
    complete: (step) => this.#complete(step),
    follow: (step) => this.#follow(step),
    followed: (step) => this.#followed(step),
    let: (step) => this.#let(step),
    service: ({ service }) => this.#service(service),
    pass: ({ pass }) => this.#cast.scene.sleep(durationMs(pass, this.#cast.scene.bench)),
  };

  async #playAll(steps: readonly ScriptStep[]): Promise<void> {
    for (const step of steps) await this.#play(step);
  }

  /** Does the steps again and again, with `turn` counting, until all that is looked for is there. */
  #repeat({ repeat, until }: StepWith<"repeat">): Promise<void> {
    let turn = 0;
    return this.#cast.until("what is repeated", undefined, async () => {
      this.#cast.scope.bind("turn", (turn += 1));
      await this.#playAll(repeat as ScriptStep[]);
      await this.#cast.scene.sleep(repeatMs);
      return this.#playAll(until as ScriptStep[]).then(() => null, messageOf);
    });
  }

  /** Reads page after page, as a node does that reads a whole log. */
  async #pages({ node, pages, limit, expect }: StepWith<"pages">): Promise<void> {
    const room = this.#cast.text(pages);
    const entries: LogEntry[] = [];
    let page: LogPage;
    do {
      page = await this.#cast.node(node).broker.read(room, entries.length, limit);
      if (page.entries.length > limit) fail(`a page of ${limit} has ${page.entries.length} entries`);
      if (page.entries.length === 0 && entries.length < page.head)
        fail(`a page after ${entries.length} of ${page.head} is empty`);
      entries.push(...page.entries);
    } while (entries.length < page.head);
    const { epoch, base, head } = page;
    this.#cast.match(expect, { epoch, base, head, entries }, "the log");
  }

  #heard(step: StepWith<"heard">): Promise<void> | void {
    const { scene, scope } = this.#cast;
    if (!(step.needs ?? []).every((need) => scene.offers(need as Need))) return undefined;
    const { heard } = this.#cast.node(step.node);
    const of = this.#cast.text(step.of ?? "");
    const title = `${step.heard} at node ${step.node}`;
    if ("expect" in step) return this.#cast.match(step.expect, look(heard, step.heard, of), title);
    return this.#cast.until(title, step.within, () =>
      mismatch(step.until, look(heard, step.heard, of), scope),
    );
  }

  #complete({ node, complete, after, to }: StepWith<"complete">): Promise<void> {
    const { heard } = this.#cast.node(node);
    const head = Number(this.#cast.scope.fill(after));
    const room = this.#cast.text(complete);
    return this.#cast.until(`entry ${to} at node ${node}`, undefined, () =>
      isComplete(heard, room, head, to) ? null : "it has not come",
    );
  }

  async #follow({ node, follow }: StepWith<"follow">): Promise<void> {
    const { broker, heard } = this.#cast.node(node);
    const room = this.#cast.text(follow);
    const follower = new Follower(broker, heard, room);
    this.#followers.set(`${node} ${room}`, follower);
    await follower.start(ampleBound);
  }

  #followed({ node, followed, until }: StepWith<"followed">): Promise<void> {
    const room = this.#cast.text(followed);
    const follower = this.#followers.get(`${node} ${room}`);
    if (!follower) return fail(`node ${node} does not follow ${room}`);
    return this.#cast.until(`what node ${node} reads`, undefined, () => {
      follower.retry();
      const { data, restarts } = follower;
      return mismatch(until, { data, restarts }, this.#cast.scope);
    });
  }

  #let({ let: given }: StepWith<"let">): void {
    const { scope } = this.#cast;
    for (const [name, value] of Object.entries(given)) scope.bind(name, scope.fill(value));
  }

  async #service(how: string): Promise<void> {
    const { stopService, startService } = this.#cast.scene.bench;
    if (how === "stop") await stopService?.();
    else await startService?.({ keepData: how === "start" });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
