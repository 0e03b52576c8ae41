import { ok } from "node:assert/strict";
import { nearest } from "../../base/options.ts";
import type { JsonObject } from "../../conformance/case.ts";
import type { Member } from "../../protocol/frames.ts";
import type { Heard } from "./heard.ts";

interface View {
  /** What has to stand in `of`; absent where the view is the node's own. */
  readonly of?: "room" | "session";
  look(heard: Heard, of: string): unknown;
}

/** What can be looked at of what a node's broker has said. */
const views = {
  /** Entries in the order they came, without those that came twice. */
  entries: { of: "room", look: (heard, room) => heard.entries(room) },
  signals: { of: "room", look: (heard, room) => heard.signals(room) },
  /** Changes of who is present. */
  presence: { of: "room", look: (heard, room) => heard.presence(room) },
  /** Who is present, as the changes add up. */
  members: { of: "room", look: presentAt },
  /** Generations that a session was opened with. */
  opened: { of: "session", look: (heard, session) => heard.opened.get(session) ?? [] },
  /** What nodes have told this one. */
  told: { look: (heard) => heard.told },
  /** Why the service could not be reached; null each time that it could again. */
  outages: { look: (heard) => heard.outages },
} satisfies Record<string, View>;

/** What is wrong with a step that looks; null where nothing is. */
export function viewProblem(step: JsonObject): string | null {
  const name = String(step["heard"]);
  if (!Object.hasOwn(views, name))
    return `nothing is heard of ${nearest(name, views)} What can be heard: ${Object.keys(views).join(", ")}`;
  const { of } = views[name as keyof typeof views] as View;
  if (of !== undefined && step["of"] === undefined) return `"${name}" needs the ${of} in "of"`;
  return of === undefined && step["of"] !== undefined ? `"${name}" has no "of"` : null;
}

/** What a node has heard. Fails where it heard what no broker may say. */
export function look(heard: Heard, name: string, of: string): unknown {
  return (views[name as keyof typeof views] as View).look(heard, of);
}

/** That every entry behind `after` has come, up to `to`, or null while the last of them has not. */
export function isComplete(heard: Heard, room: string, after: number, to: number): boolean {
  const entries = heard.entries(room);
  if (entries.at(-1)?.offset !== to) return false;
  const count = entries.filter(({ offset }) => offset > after).length;
  ok(count === to - after, `of the ${to - after} entries after ${after}, ${count} came`);
  return true;
}

function presentAt(heard: Heard, room: string): Member[] {
  const present = new Map<string, Member>();
  for (const { set, gone } of heard.presence(room)) {
    if (set) present.set(set.session, set);
    if (gone !== undefined) present.delete(gone);
  }
  return [...present.values()];
}
