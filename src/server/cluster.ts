import type { Clock } from "../base/clock.ts";
import { whenOverdue } from "../base/deadline.ts";
import type { Random } from "../base/random.ts";
import type { Broker } from "./broker.ts";
import type { Insist } from "./insist.ts";
import type { NodeContracts, ToldContract } from "./node-contracts.ts";
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
  readonly contracts: NodeContracts;
  readonly report: Report;
}

/** What a node is asked. */
type Question =
  | { readonly ask: "stats" }
  | { readonly ask: "disconnect"; readonly user: string; readonly reason?: string }
  /** Which contract do you have? `back`: this is asked because the other one asked. */
  | { readonly ask: "contract"; readonly hash: string; readonly back?: true };

/** What nodes tell one another. */
type Told =
  | { readonly id: string; readonly from: string; readonly question: Question }
  | { readonly id: string; readonly node: string; readonly answer: unknown };

const answerMs = 2000;
/** Id of every question about the contract: its answer is taken whenever it comes. */
const contractId = "contract";

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

  /** Asks the others which contract they have. Those that have another one ask this node, too. May be lost, as what is told. */
  async compareContracts(): Promise<void> {
    const nodes = await this.#context.broker.nodes();
    if (nodes.some((node) => node !== this.node)) this.#askContract(null);
  }

  /** Takes what a node told this one. It may be a node of another version, or another program: what can't be read is reported. */
  receive(message: string): void {
    try {
      this.#receive(JSON.parse(message) as Told);
    } catch (cause) {
      this.#context.report(new Error("this node was told what it can't read", { cause }), "broker");
    }
  }

  #receive(told: Told): void {
    if ("answer" in told) return this.#receiveAnswer(told);
    const answer = this.#answer(told.question, told.from);
    this.#tell(told.from, { id: told.id, node: this.node, answer });
  }

  /** Null to a question of a newer version that this one does not know. */
  #answer(question: Question, from: string): unknown {
    switch (question.ask) {
      case "stats":
        return this.#context.stats();
      case "disconnect":
        return this.#context.disconnect(question.user, question.reason);
      case "contract":
        return this.#answerContract(question, from);
      default:
        return null;
    }
  }

  #answerContract({ hash, back }: Extract<Question, { ask: "contract" }>, from: string): ToldContract {
    const { contracts } = this.#context;
    if (hash !== contracts.hash && !back) this.#askContract(from);
    return contracts.answer(hash);
  }

  #askContract(node: string | null): void {
    const { hash } = this.#context.contracts;
    const question: Question = { ask: "contract", hash, ...(node !== null && { back: true }) };
    this.#tell(node, { id: contractId, from: this.node, question });
  }

  #receiveAnswer({ id, node, answer }: Extract<Told, { answer: unknown }>): void {
    if (id === contractId) this.#context.contracts.receive(node, answer as ToldContract | null);
    else this.#open.get(id)?.(node, answer);
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
