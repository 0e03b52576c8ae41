import type { Contract } from "../contract/contract.ts";
import { sessionIdOf } from "../protocol/session-id.ts";
import { Intruder } from "./intruder.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";

/** Higher than any generation that an owner comes to. */
const guessedGeneration = 1_000_000;
/** How long it waits for what comes of an attempt. */
const attemptMs = 1500;

/**
 * Somebody who wants the sessions of others: it reads their ids in what a room tells, and says hello with what can be made
 * of them; or it has the secret itself, from a disk, and not the token that goes with it.
 */
export class Thief {
  readonly #world: World<Contract>;
  readonly #intruder: Intruder;
  readonly #random: SeededRandom;
  readonly #hasSecrets: boolean;
  readonly #ids = new Set<string>();
  #attempts = 0;
  #isOver = false;

  constructor(world: World<Contract>, token: string, { hasSecrets }: { readonly hasSecrets: boolean }) {
    const { timeline, network } = world;
    this.#world = world;
    this.#hasSecrets = hasSecrets;
    this.#random = world.random.fork("thief");
    this.#intruder = new Intruder({ name: "thief", token, timeline, network });
  }

  start(): void {
    const rooms = [{ room: "open/1", history: 50 }];
    const secret = this.#random.id(24);
    this.#intruder.enter({ secret, generation: 1, rooms }, (text) => {
      for (const [, id] of text.matchAll(/"(?:session|id)":"([\w-]{22})/g)) this.#ids.add(id as string);
    });
    this.#next();
  }

  stop(): void {
    this.#isOver = true;
    this.#intruder.end();
  }

  #next(): void {
    this.#world.timeline.after(this.#random.waitMs(2000), () => {
      if (this.#isOver) return;
      this.#attempt();
      this.#next();
    });
  }

  #attempt(): void {
    const secret = this.#hasSecrets ? this.#stolenSecret() : this.#guess();
    if (secret === null) return;
    this.#attempts += 1;
    const generation = guessedGeneration + this.#attempts;
    const { history, timeline } = this.#world;
    history.add({ type: "theft", session: sessionIdOf(secret), generation });
    const foothold = this.#intruder.enter({ secret, generation, rooms: [] });
    timeline.after(attemptMs, () => foothold?.socket.close(1000, ""));
  }

  /** What somebody might take for a secret who has only the id. */
  #guess(): string | null {
    if (this.#ids.size === 0) return null;
    const id = this.#random.pick([...this.#ids]);
    return this.#random.pick([id, id + id, id.slice(11) + id.slice(0, 11), sessionIdOf(id)]);
  }

  /** Of a session that the server knows: whoever brings the secret of one that it does not know makes it. */
  #stolenSecret(): string | null {
    const opened = new Set(this.#world.history.of("opened").map(({ session }) => session));
    const secrets = this.#world.devices
      .map(({ storage }) => storage.state?.session.secret)
      .filter((secret) => secret !== undefined && opened.has(sessionIdOf(secret)));
    return secrets.length > 0 ? (this.#random.pick(secrets) ?? null) : null;
  }
}
