import { BowlineError, type AuthRequest, type UserLike } from "bowline/server";

interface User extends UserLike {
  readonly expiresAt?: number;
}

/** How long a connection of `t-short` lasts. */
const shortMs = 400;

/**
 * Who a token is. What follows the second hyphen keeps users of one case apart from those of others: `t-ada-7` is the user
 * `ada-7`.
 */
export function authenticate({ token }: AuthRequest): User | null {
  const [, name = "", suffix = ""] = /^t-([a-z]+)((?:-[a-z0-9]+)?)$/.exec(token ?? "") ?? [];
  const refusal = refusals[name];
  if (refusal) throw refusal();
  if (name === "short") return { id: `short${suffix}`, expiresAt: Date.now() + shortMs };
  if (name === "past") return { id: `past${suffix}`, expiresAt: Date.now() - 1 };
  return ["ada", "bob", "boss"].includes(name) ? { id: `${name}${suffix}` } : null;
}

/** Tokens that are refused, each in a way of its own. Whatever is not named here is refused with 401 `UNAUTHORIZED`. */
const refusals: Readonly<Record<string, () => Error>> = {
  code: () => new BowlineError("account_closed", "this account was closed"),
  forbidden: () => new BowlineError("FORBIDDEN", "banned"),
  wait: () => new BowlineError("UNAVAILABLE", "ask later"),
  crash: () => new Error("the user table is on fire"),
};
