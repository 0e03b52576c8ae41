import { fail } from "node:assert/strict";
import { mismatch } from "../../conformance/match.ts";
import { Scope } from "../../conformance/scope.ts";
import { durationMs } from "./duration.ts";
import { patienceMs, type CaseNode, type Scene } from "./scene.ts";

/** The nodes of one case by their names, and everything that it has bound. */
export class Cast {
  readonly scene: Scene;
  readonly scope: Scope;
  readonly #nodes = new Map<string, CaseNode>();

  constructor(scene: Scene) {
    this.scene = scene;
    this.scope = new Scope(scene.run);
    this.scope.bind("run", scene.run);
  }

  /** Names a node. The name is bound to its id. */
  name(name: string, node: CaseNode): void {
    this.#nodes.set(name, node);
    this.scope.bind(name, node.id);
  }

  node(name: string): CaseNode {
    return this.#nodes.get(name) ?? fail(`there is no node ${name}`);
  }

  /** A text with everything put in that stands in `${…}`. */
  text(text: string): string {
    return this.scope.embed(text);
  }

  /** Fails where a value does not fit a pattern, and says why. */
  match(pattern: unknown, value: unknown, title: string): void {
    const why = mismatch(pattern, value, this.scope);
    if (why !== null) fail(`${title}: ${why}`);
  }

  /** Looks until nothing is wrong any more; fails, saying what still is, when that takes too long. */
  until(
    title: string,
    within: string | undefined,
    look: () => Promise<string | null> | string | null,
  ): Promise<void> {
    let why: string | null = null;
    return this.scene.until(
      () => `${title}: ${why}`,
      async () => (why = await look()) === null,
      this.ms(within, patienceMs),
    );
  }

  ms(within: string | undefined, otherwiseMs: number): number {
    return within === undefined ? otherwiseMs : durationMs(within, this.scene.bench);
  }
}
