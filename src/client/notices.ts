import type { BowlineError } from "../protocol/errors.ts";
import type { ErrorSubject } from "../protocol/frames.ts";
import type { Reader } from "./reader.ts";
import type { Status } from "./status.ts";

/** Who is told more reads no more of it. */
const printedMax = 100;

/** What the console was told of a client's connection, or of one of its rooms, since that last worked. */
const printed = new WeakMap<object, Set<string>>();

/** The client that something is noted of. */
interface Client {
  readonly url: string;
  /** Whether the console is told. */
  readonly log: boolean;
}

interface Room {
  readonly client: { readonly log: boolean };
  readonly name: string;
  readonly readers: Iterable<Reader>;
}

/** Tells the console of a wait or a stop that nobody hears of, each cause once until the connection is open. */
export function noteStatus(client: Client, status: Status, isHeard: boolean): void {
  if (status.state === "open") printed.delete(client);
  const trouble = isHeard ? null : troubleOf(status, client.url);
  if (trouble) say(client, client.log, trouble);
}

/** Tells the console of a refusal that nobody hears of, each cause once until the room is joined. */
export function noteRefusal(room: Room, of: ErrorSubject["of"], { code, message }: BowlineError): void {
  const isHeard = [...room.readers].some(
    ({ emitters }) => emitters["error"]?.isHeard || (of === "join" && emitters["status"]?.isHeard),
  );
  if (!isHeard) say(room, room.client.log, `${of} of ${room.name} refused: ${code}: ${message}`);
}

/** The room was joined: what is refused from now on is news. */
export function noteJoined(room: Room): void {
  printed.delete(room);
}

function say(about: object, log: boolean, text: string): void {
  const told = printed.get(about) ?? new Set();
  printed.set(about, told);
  if (!log || told.has(text) || told.size >= printedMax) return;
  told.add(text);
  warn(text);
}

/** Writes a line for who writes the application. */
export function warn(text: string): void {
  // oxlint-disable-next-line no-console
  console.warn(`bowline: ${text}`);
}

/** What keeps a client of that URL from working, in a line; null where nothing does. */
function troubleOf(status: Status, url: string): string | null {
  const { error, reason } = status as { error?: BowlineError | null; reason?: string };
  const trouble =
    reason !== undefined ? `is waiting: ${reason}` : error && `has stopped: ${error.code}: ${error.message}`;
  if (!trouble) return null;
  // Userinfo and query are nobody's business.
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname} ${trouble}`;
}
