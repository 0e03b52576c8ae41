import type { SeededRandom } from "./seeded-random.ts";
import { startWallMs } from "./sim-process.ts";
import type { Timeline } from "./timeline.ts";

/** How an {@link Account} is. */
export interface AccountOptions {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  /** How long a token is good for; null: for ever. */
  readonly lifeMs: number | null;
  /** Share of tokens that are the one before, come late, or do not come. */
  readonly faults: number;
}

/** The longest that a late token takes. */
const lateMs = 12_000;

/** Who uses a device, and where its tokens come from. */
export class Account {
  user: string;
  readonly #options: AccountOptions;
  readonly #users: readonly string[];
  #last: { readonly user: string; readonly token: string } | null = null;
  #isWell = false;

  constructor(user: string, options: AccountOptions) {
    this.user = user;
    this.#users = [user, `other.${user}`];
    this.#options = options;
  }

  /** Somebody else uses the device from now on. */
  change(): void {
    this.user = this.#users.find((user) => user !== this.user) as string;
  }

  /** From now on every token is a new one, comes at once, and is good for ever: what renews them all the time never rests. */
  heal(): void {
    this.#isWell = true;
  }

  /** What the client asks for its token. */
  token(): string | Promise<string> {
    const { random, timeline, faults } = this.#options;
    const { user } = this;
    if (this.#isWell || !random.chance(faults)) return this.#fresh();
    const fault = random.pick(["same", "late", "none"] as const);
    if (fault === "none") throw new TokenFailed("no token now");
    if (fault === "same" && this.#last?.user === user) return this.#last.token;
    const token = this.#fresh();
    return new Promise((resolve) => timeline.after(random.between(0, lateMs), () => resolve(token)));
  }

  #fresh(): string {
    const { lifeMs, timeline } = this.#options;
    const { user } = this;
    const end =
      lifeMs === null || this.#isWell ? "" : `~${startWallMs + Math.round(timeline.nowMs + lifeMs)}`;
    const token = `good.${user}${end}`;
    this.#last = { user, token };
    return token;
  }
}

/** What a token source throws that has none. */
export class TokenFailed extends Error {
  override readonly name: string = "TokenFailed";
}
