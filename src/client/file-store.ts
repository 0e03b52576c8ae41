/**
 * A client's session and outbox in a file, for Node.js.
 *
 * @module
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { applyChange, type Store, type StoreChange, type StoredState } from "./store.ts";

/** Lines after which the file is written anew with only what still counts. */
const linesMax = 10_000;

/**
 * Keeps session and outbox in one file, as a log of changes, one JSON line each, written before anything is sent: a
 * killed process loses and repeats nothing. The file is made when missing and written anew when it has grown; it is
 * not synced to disk on every change, so a power cut can lose the last second. It holds the session's secret: it is
 * made readable for its owner only. One process at a time.
 *
 * Throws when the file can't be read or written, and a `SyntaxError` naming file and line when it holds something else.
 *
 * @example
 * const client = createClient(chat, { url, WebSocket, store: fileStore("./outbox.jsonl") });
 */
export function fileStore(path: string): Store {
  const { state: initial, lines } = existsSync(path) ? read(path) : { state: null, lines: 0 };
  return new FileStore(path, initial, lines);
}

class FileStore implements Store {
  readonly initial: StoredState | null;
  readonly #path: string;
  #state: StoredState | null;
  #lines: number;
  #file: number;

  constructor(path: string, initial: StoredState | null, lines: number) {
    this.initial = initial;
    this.#path = path;
    this.#state = initial;
    this.#lines = lines;
    // Also gets rid of a line that a crash left half-written.
    this.#file = this.#rewrite();
  }

  save(changes: readonly StoreChange[]): void {
    if (changes.length === 0) return;
    // One write: a crash leaves all of them, or a torn line that the next start passes over.
    writeSync(this.#file, changes.map((change) => `${JSON.stringify(change)}\n`).join(""));
    for (const change of changes) this.#state = applyChange(this.#state, change);
    this.#lines += changes.length;
    if (this.#lines > linesMax) {
      closeSync(this.#file);
      this.#file = this.#rewrite();
    }
  }

  /** Writes what counts to a new file, puts it in the old one's place, and opens it for more. */
  #rewrite(): number {
    const changes = this.#state ? toChanges(this.#state) : [];
    const fresh = `${this.#path}.new`;
    writeFileSync(fresh, changes.map((change) => `${JSON.stringify(change)}\n`).join(""), { mode: 0o600 });
    renameSync(fresh, this.#path);
    this.#lines = changes.length;
    return openSync(this.#path, "a", 0o600);
  }
}

function toChanges({ session, publishes }: StoredState): StoreChange[] {
  return [
    { type: "session", session },
    ...publishes.map((publish): StoreChange => ({ type: "put", publish })),
  ];
}

function read(path: string): { readonly state: StoredState | null; readonly lines: number } {
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
  return { state, lines: lines.length };
}
