/**
 * A client's session and outbox in a file, for Node.js.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { applyChange, type Store, type StoreChange, type StoredState } from "./store.ts";

/** Lines that are added before the file is written anew with only what still counts. */
const addedLinesMax = 10_000;

/**
 * Keeps session and outbox in one file, as a log of changes, one JSON line each, written before anything is sent: a
 * killed process loses and repeats nothing. The file is made when missing and written anew when it has grown; it is
 * not synced to disk on every change, so a power cut can lose the last second. It holds the session's secret: it is
 * made readable for its owner only. One process at a time.
 *
 * Throws when the file can't be read or written, and a `SyntaxError` naming file and line when it holds something else.
 * A file that can't be written anew later is written on as it is, with a process warning.
 *
 * @example
 * const client = createClient(chat, { url, WebSocket, store: fileStore("./outbox.jsonl") });
 */
export function fileStore(path: string): Store {
  return new FileStore(path, existsSync(path) ? read(path) : null);
}

class FileStore implements Store {
  readonly initial: StoredState | null;
  readonly #path: string;
  #state: StoredState | null;
  #addedLines = 0;
  #file: number;

  constructor(path: string, initial: StoredState | null) {
    this.initial = initial;
    this.#path = path;
    this.#state = initial;
    // Also gets rid of a line that a crash left half-written.
    this.#file = this.#rewrite();
  }

  save(changes: readonly StoreChange[]): void {
    if (changes.length === 0) return;
    append(this.#file, toLines(changes));
    for (const change of changes) this.#state = applyChange(this.#state, change);
    this.#addedLines += changes.length;
    if (this.#addedLines > addedLinesMax) this.#shorten();
  }

  /** The changes are kept by now: where the file can't be written anew, that is tried again when it has grown as much again. */
  #shorten(): void {
    this.#addedLines = 0;
    try {
      const former = this.#file;
      this.#file = this.#rewrite();
      closeSync(former);
    } catch (error) {
      process.emitWarning(
        `${this.#path} could not be written anew and grows on: ${String(error)}`,
        "Bowline",
      );
    }
  }

  /** Writes what counts to a new file, opens it for more, and puts it in the old one's place: last, as that can't fail halfway. */
  #rewrite(): number {
    const fresh = `${this.#path}.new`;
    let file: number | null = null;
    try {
      writeFileSync(fresh, toLines(this.#state ? toChanges(this.#state) : []), { mode: 0o600 });
      file = openSync(fresh, "a");
      renameSync(fresh, this.#path);
      return file;
    } catch (error) {
      if (file !== null) closeSync(file);
      removeIfThere(fresh);
      throw error;
    }
  }
}

/**
 * Writes all of it or nothing: a line that is cut short would spoil the next. (A crash between two writes leaves a torn
 * line at the end, which the next start passes over.)
 */
function append(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(file, bytes, done);
  } catch (error) {
    ftruncateSync(file, fstatSync(file).size - done);
    throw error;
  }
}

/** What a failed attempt left only takes room away. */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // There is none, or it can't be helped: the next attempt writes over it.
  }
}

function toLines(changes: readonly StoreChange[]): string {
  return changes.map((change) => `${JSON.stringify(change)}\n`).join("");
}

function toChanges({ session, publishes }: StoredState): StoreChange[] {
  return [
    { type: "session", session },
    ...publishes.map((publish): StoreChange => ({ type: "put", publish })),
  ];
}

function read(path: string): StoredState | null {
  const lines = readFileSync(path, "utf8").split("\n");
  // What follows the last line break is empty, or the line that a crash cut off: never acted on, so never missed.
  lines.pop();
  let state: StoredState | null = null;
  for (const [index, line] of lines.entries()) {
    try {
      state = applyChange(state, JSON.parse(line) as StoreChange);
    } catch {
      throw new SyntaxError(
        `${path}:${index + 1} is no line of a Bowline file store; move the file away to begin anew`,
      );
    }
  }
  return state;
}
