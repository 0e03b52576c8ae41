import type { Awaitable } from "../../base/awaitable.ts";
import { nearest } from "../../base/options.ts";
import type { JsonObject } from "../../conformance/case.ts";
import type { Member } from "../../protocol/frames.ts";
import type { AppendRequest, Broker, LogBound, Origin, SessionClaim } from "../../server/broker.ts";

/** What each call of a broker is given, by name. `start` and `stop` are steps of their own. */
export interface CallArguments {
  readonly append: AppendRequest;
  readonly find: { readonly room: string; readonly origin: Origin };
  readonly read: { readonly room: string; readonly after: number; readonly limit: number };
  readonly subscribe: { readonly room: string; readonly bound: LogBound };
  readonly unsubscribe: { readonly room: string };
  readonly signal: { readonly room: string; readonly key: string; readonly data: string };
  readonly openSession: SessionClaim;
  readonly renewSessions: { readonly sessions: readonly string[] };
  readonly claimRequest: { readonly origin: Origin };
  readonly answerRequest: { readonly origin: Origin; readonly answer: string };
  readonly enter: { readonly room: string; readonly member: Member; readonly generation: number };
  readonly exit: { readonly room: string; readonly session: string; readonly generation: number };
  readonly members: { readonly room: string; readonly limit: number };
  readonly tell: { readonly node: string | null; readonly message: string };
  readonly nodes: Readonly<Record<never, never>>;
}

export type CallName = keyof CallArguments;

interface CallForm<Arguments> {
  readonly required: readonly (keyof Arguments & string)[];
  readonly optional?: readonly (keyof Arguments & string)[];
  readonly run: (broker: Broker, args: Arguments) => Awaitable<unknown>;
}

const calls: { readonly [Name in CallName]: CallForm<CallArguments[Name]> } = {
  append: {
    required: ["room", "data"],
    optional: ["bound", "origin", "ifAt"],
    run: (broker, request) => broker.append(request),
  },
  find: { required: ["room", "origin"], run: (broker, { room, origin }) => broker.find(room, origin) },
  read: {
    required: ["room", "after", "limit"],
    run: (broker, { room, after, limit }) => broker.read(room, after, limit),
  },
  subscribe: {
    required: ["room"],
    optional: ["bound"],
    run: (broker, { room, bound }) => broker.subscribe(room, bound),
  },
  unsubscribe: { required: ["room"], run: (broker, { room }) => broker.unsubscribe(room) },
  signal: {
    required: ["room", "key", "data"],
    run: (broker, { room, key, data }) => broker.signal(room, key, data),
  },
  openSession: {
    required: ["session", "user", "generation"],
    run: (broker, claim) => broker.openSession(claim),
  },
  renewSessions: { required: ["sessions"], run: (broker, { sessions }) => broker.renewSessions(sessions) },
  claimRequest: { required: ["origin"], run: (broker, { origin }) => broker.claimRequest(origin) },
  answerRequest: {
    required: ["origin", "answer"],
    run: (broker, { origin, answer }) => broker.answerRequest(origin, answer),
  },
  enter: {
    required: ["room", "member", "generation"],
    run: (broker, { room, member, generation }) => broker.enter(room, member, generation),
  },
  exit: {
    required: ["room", "session", "generation"],
    run: (broker, { room, session, generation }) => broker.exit(room, session, generation),
  },
  members: { required: ["room", "limit"], run: (broker, { room, limit }) => broker.members(room, limit) },
  tell: { required: ["node", "message"], run: (broker, { node, message }) => broker.tell(node, message) },
  nodes: { required: [], run: (broker) => broker.nodes() },
};

export function isCallName(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

/** What is wrong with the name or the arguments of a call; null where nothing is. */
export function callProblem(name: unknown, args: JsonObject): string | null {
  if (typeof name !== "string" || !isCallName(name))
    return `a broker has no call ${nearest(String(name), calls)} Calls are: ${Object.keys(calls).join(", ")}`;
  const { required, optional = [] }: { required: readonly string[]; optional?: readonly string[] } =
    calls[name];
  const known = Object.fromEntries([...required, ...optional].map((it) => [it, 1]));
  const strange = Object.keys(args).find((it) => !Object.hasOwn(known, it));
  if (strange !== undefined)
    return `"${name}" has no argument ${nearest(strange, known)} Arguments are: ${Object.keys(known).join(", ")}`;
  const missing = required.find((it) => !Object.hasOwn(args, it));
  return missing === undefined ? null : `"${name}" needs the argument "${missing}"`;
}

/** Makes a call whose name and arguments were checked. It is made when this returns, and answered later. */
export function makeCall<Name extends CallName>(
  broker: Broker,
  name: Name,
  args: CallArguments[Name],
): Promise<unknown> {
  const { run }: CallForm<CallArguments[Name]> = calls[name];
  try {
    // A call without an answer is answered with null, in every language.
    return Promise.resolve(run(broker, args)).then((answer) => answer ?? null);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
