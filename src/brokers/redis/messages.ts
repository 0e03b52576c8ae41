import type { Member } from "../../protocol/frames.ts";

/** What travels on the channel of a room. */
export type RoomMessage =
  | {
      readonly kind: "entries";
      readonly epoch: string;
      /** Offset of the first one. */
      readonly first: number;
      readonly data: readonly string[];
    }
  | { readonly kind: "signal"; readonly key: string; readonly data: string }
  | { readonly kind: "set"; readonly count: number; readonly member: Member }
  | { readonly kind: "gone"; readonly count: number; readonly session: string };

/** What travels on the control channels. */
export type ControlMessage =
  | { readonly kind: "opened"; readonly session: string; readonly generation: number }
  | { readonly kind: "told"; readonly text: string };

/** Whether a message on a room's channel carries entries. */
export function hasEntries(message: string): boolean {
  return message.startsWith("e");
}

/** Whether a text can be the data of an entry or a signal: a compact JSON object, as far as its ends tell. */
export function isData(text: string): boolean {
  return text.startsWith('{"') && text.endsWith("}");
}

export function signalMessage(key: string, data: string): string {
  return `s${JSON.stringify(key)}\n${data}`;
}

export function openedMessage(session: string, generation: number): string {
  return `o${generation} ${session}`;
}

export function toldMessage(text: string): string {
  return `t${text}`;
}

/** A message of a room's channel; null when it is none, or is torn. */
export function readRoomMessage(message: string): RoomMessage | null {
  const kind = message.charAt(0);
  if (kind === "e") return readEntries(message);
  if (kind === "s") return readSignal(message);
  if (kind === "+") return readMember(message);
  if (kind === "-") return readGone(message);
  return null;
}

/** A message of a control channel; null when it is none. */
export function readControlMessage(message: string): ControlMessage | null {
  if (message.startsWith("t")) return { kind: "told", text: message.slice(1) };
  const [, generation = "", session = ""] = /^o(\d{1,16}) (.+)$/.exec(message) ?? [];
  return session ? { kind: "opened", session, generation: Number(generation) } : null;
}

/** `e<epoch> <first offset>`, and each entry's data after a U+000A, which compact JSON never has. */
function readEntries(message: string): RoomMessage | null {
  const end = message.indexOf("\n");
  const [, epoch = "", first = ""] = /^e([\w-]+) (\d{1,16})$/.exec(message.slice(0, Math.max(0, end))) ?? [];
  const data = message.slice(end + 1).split("\n");
  return epoch && data.every(isData) ? { kind: "entries", epoch, first: Number(first), data } : null;
}

/** `s<key as a JSON string>`, and the data after a U+000A. */
function readSignal(message: string): RoomMessage | null {
  const end = message.indexOf("\n");
  const key = end < 0 ? undefined : parsed(message.slice(1, end));
  const data = message.slice(end + 1);
  return typeof key === "string" && isData(data) ? { kind: "signal", key, data } : null;
}

/** `+<count> <member>` */
function readMember(message: string): RoomMessage | null {
  const [, count = "", text = ""] = /^\+(\d{1,16}) (.*)$/s.exec(message) ?? [];
  const member = readMemberText(text);
  return member && { kind: "set", count: Number(count), member };
}

/** `-<count> <session>` */
function readGone(message: string): RoomMessage | null {
  const [, count = "", session = ""] = /^-(\d{1,16}) (.+)$/.exec(message) ?? [];
  return session ? { kind: "gone", count: Number(count), session } : null;
}

/** The member of `<generation> <owner> <member>`, as the members' key has it; null when it is none. */
export function memberOf(value: string): Member | null {
  return readMemberText(value.replace(/^\d+ \S+ /, ""));
}

function readMemberText(text: string): Member | null {
  const member = parsed(text) as Partial<Member> | null | undefined;
  return typeof member?.session === "string" && typeof member.user === "string" ? (member as Member) : null;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
