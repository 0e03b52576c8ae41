import type { Clock } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import type { Random } from "../base/random.ts";
import type { Broker } from "./broker.ts";
import type { Insist } from "./insist.ts";
import type { Report } from "./refusal.ts";

/** Figures of one node, at the moment of asking. */
export interface NodeStats {
  /** Connections that are open, and upgrades under way. */
  readonly connections: number;
  /** Rooms with members on the node. */
  readonly rooms: number;
  /** Whether the node can't reach its broker. */
  readonly degraded: boolean;
}

/** What the nodes of a cluster answered. */
export interface ClusterAnswers<Answer> {
  /** By node. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Nodes that are there and did not answer in time. */
  readonly missing: readonly string[];
}

/** What {@link Cluster} needs of the node. */
export interface ClusterContext {
  /** This node's id. */
  readonly node: string;
  readonly broker: Broker;
  readonly insist: Insist;
  readonly clock: Clock;
  readonly random: Random;
  stats(): NodeStats;
  disconnect(user: string, reason: string | undefined): number;
  readonly report: Report;
}

/** What a node is asked. */
type Question =
  | { readonly ask: "stats" }
  | { readonly ask: "disconnect"; readonly user: string; readonly reason?: string };

/** What nodes tell one another. */
type Told =
  | { readonly id: string; readonly from: string; readonly question: Question }
  | { readonly id: string; readonly node: string; readonly answer: unknown };

const answerMs = 2000;

/** Asks every node of the cluster, this one included, and answers when it is asked itself. */
export class Cluster {
  readonly node: string;
  readonly #context: ClusterContext;
  readonly #open = new Map<string, (node: string, answer: unknown) => void>();

  constructor(context: ClusterContext) {
    this.#context = context;
    this.node = context.node;
  }

  stats(): Promise<ClusterAnswers<NodeStats>> {
    return this.#ask({ ask: "stats" });
  }

  disconnect(user: string, reason?: string): Promise<ClusterAnswers<number>> {
    return this.#ask({ ask: "disconnect", user, ...(reason !== undefined && { reason }) });
  }

  /** Takes what a node told this one. */
  receive(message: string): void {
    const told = JSON.parse(message) as Told;
    if ("answer" in told) return this.#open.get(told.id)?.(told.node, told.answer);
    const answer = this.#answer(told.question);
    this.#tell(told.from, { id: told.id, node: this.node, answer });
  }

  /** Null to a question of a newer version that this one does not know. */
  #answer(question: Question): unknown {
    switch (question.ask) {
      case "stats":
        return this.#context.stats();
      case "disconnect":
        return this.#context.disconnect(question.user, question.reason);
      default:
        return null;
    }
  }

  /** Resolves once every node has answered, or when the time for it is over. */
  async #ask<Answer>(question: Question): Promise<ClusterAnswers<Answer>> {
    const { broker, clock, insist, random } = this.#context;
    const missing = new Set(await insist(() => broker.nodes()));
    const answers = new Map<string, Answer>();
    const id = random.id(10);
    await new Promise<void>((resolve) => {
      const stopTimer = whenOverdue(clock, answerMs, resolve);
      this.#open.set(id, (node, answer) => {
        answers.set(node, answer as Answer);
        missing.delete(node);
        if (missing.size > 0) return;
        stopTimer();
        resolve();
      });
      this.#tell(null, { id, from: this.node, question });
    });
    this.#open.delete(id);
    return { answers, missing: [...missing] };
  }

  #tell(node: string | null, told: Told): void {
    this.#context.broker.tell(node, JSON.stringify(told));
  }
}
