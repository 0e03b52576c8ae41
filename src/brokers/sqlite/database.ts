import { accessSync, closeSync, constants, existsSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { applicationId, schema, schemaVersion, upgrades } from "./schema.ts";

/** What both drivers have of their synchronous API; the values are texts and numbers only. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export interface Statement {
  run(...values: (string | number)[]): unknown;
  get(...values: (string | number)[]): unknown;
  all(...values: (string | number)[]): unknown[];
}

type DatabaseClass = new (file: string) => Database;

/** SQLite's own numbers for what went wrong. */
const code = {
  busy: 5,
  noMemory: 7,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notDatabase: 26,
};

/** What a person is told of them. */
const meanings: Readonly<Record<number, string>> = {
  [code.busy]: "another process has it open; one process at a time",
  [code.noMemory]: "there is no memory left",
  [code.readOnly]: "it can't be written",
  [code.io]: "reading or writing it failed",
  [code.corrupt]: "it is damaged; restore it, or move it away to begin anew",
  [code.full]: "the disk is full",
  [code.cantOpen]: "it can't be opened",
  [code.notDatabase]: "it is no SQLite database; move it away, or name another file",
};

/** Opens the database for this process alone, and makes its tables where there are none. Throws what a person can use. */
export async function openDatabase(file: string): Promise<Database> {
  const Database = await loadDriver(file);
  ensureFile(file);
  try {
    const database = new Database(file);
    try {
      prepareDatabase(database, file);
      return database;
    } catch (error) {
      closeDatabase(database);
      throw error;
    }
  } catch (error) {
    throw explain(error, file);
  }
}

/**
 * Closes it, and lets go of the file: one driver keeps it open for as long as statements are not collected, so the lock
 * is given back first. That works only without a write-ahead log.
 */
export function closeDatabase(database: Database): void {
  try {
    run(database, "PRAGMA journal_mode = DELETE");
    run(database, "PRAGMA locking_mode = NORMAL");
    run(database, "SELECT count(*) FROM sqlite_schema");
  } catch {
    // A full disk, or a lost one: what is committed is in the write-ahead log, and the next start takes it from there.
  }
  database.close();
}

/** Whether it is the disk's or the file's fault, so that everything else will fail too for a while. */
export function isOutage(error: unknown): boolean {
  return codeOf(error) in meanings;
}

/** Whether only a person can end it: what else could be written says nothing about what is damaged. */
export function lasts(error: unknown): boolean {
  return [code.corrupt, code.notDatabase].includes(codeOf(error));
}

/** The error for people: what is wrong with which file. */
export function explain(error: unknown, file: string): Error {
  if (error instanceof FileProblem) return error;
  const meaning = meanings[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
  return new FileProblem(file, meaning, error);
}

/**
 * Makes what throws once the file is another one than it is now: removed, renamed or replaced. SQLite itself would go on
 * with what it has open, and acknowledge what the next start knows nothing of.
 */
export function fileGuard(file: string): () => void {
  const opened = identityOf(file);
  return () => {
    if (identityOf(file) === opened) return;
    const problem =
      "it was removed, renamed or replaced while it was open; put it back and start the server again";
    throw Object.assign(new FileProblem(file, problem), { errcode: code.notDatabase });
  };
}

function identityOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : "none";
}

class FileProblem extends Error {
  constructor(file: string, problem: string, cause?: unknown) {
    super(`sqlite broker, option "file": ${file}: ${problem}`, { cause });
  }
}

async function loadDriver(file: string): Promise<DatabaseClass> {
  // Asked for in this way, a module that is not there is no error.
  const builtIn = process.getBuiltinModule("node:sqlite" as "node:fs") as unknown;
  if (builtIn) return (builtIn as { DatabaseSync: DatabaseClass }).DatabaseSync;
  try {
    const { default: Libsql } = await import("libsql");
    return Libsql;
  } catch (cause) {
    throw new FileProblem(
      file,
      "this runtime has no node:sqlite, and the package libsql can't be loaded: run `npm install libsql`",
      cause,
    );
  }
}

/** Made before SQLite does: it holds what was published, and the system's own errors say more. */
function ensureFile(file: string): void {
  try {
    // One that is there is not opened: to close it again would give back every lock that this process has on it.
    if (existsSync(file)) accessSync(file, constants.W_OK);
    else closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    const { code: reason } = error as NodeJS.ErrnoException;
    const problem = {
      ENOENT: `the folder ${dirname(file)} does not exist`,
      ENOTDIR: `${dirname(file)} is no folder`,
      EEXIST: "it is a link to a file that does not exist",
      EACCES: "this process may not write it",
      EPERM: "this process may not write it",
      EROFS: "its file system can only be read",
      ENOSPC: "the disk is full",
    }[reason ?? ""];
    throw new FileProblem(file, problem ?? String(error), error);
  }
  if (statSync(file).isDirectory()) throw new FileProblem(file, "it is a folder");
}

function prepareDatabase(database: Database, file: string): void {
  // The system takes such a lock back from a process that is killed, so none is left behind.
  run(database, "PRAGMA locking_mode = EXCLUSIVE");
  run(database, "PRAGMA journal_mode = WAL");
  run(database, "PRAGMA synchronous = FULL");
  run(database, "PRAGMA journal_size_limit = 67108864");
  database.exec("BEGIN IMMEDIATE");
  const { tables } = run(database, "SELECT count(*) AS tables FROM sqlite_schema") as { tables: number };
  if (tables === 0) {
    database.exec(schema);
    run(database, `PRAGMA application_id = ${applicationId}`);
  } else {
    upgrade(database, file);
  }
  run(database, `PRAGMA user_version = ${schemaVersion}`);
  database.exec("COMMIT");
}

/** Makes a file of an earlier version one of this, as part of a transaction. */
function upgrade(database: Database, file: string): void {
  const { application_id: id } = run(database, "PRAGMA application_id") as { application_id: number };
  const { user_version: version } = run(database, "PRAGMA user_version") as { user_version: number };
  if (id !== applicationId) throw new FileProblem(file, "it is a database of something else than Bowline");
  for (let from = version; from !== schemaVersion; from += 1) {
    const step = upgrades[from];
    if (step === undefined)
      throw new FileProblem(
        file,
        `it is of version ${version}, and this Bowline reads versions 1 to ${schemaVersion}`,
      );
    database.exec(step);
  }
}

function run(database: Database, sql: string): unknown {
  return database.prepare(sql).get();
}

/** Each driver has a field of its own for it. */
function codeOf(error: unknown): number {
  const { rawCode, errcode } = (error ?? {}) as { rawCode?: unknown; errcode?: unknown };
  const number = Number(rawCode ?? errcode ?? 0);
  // The lower eight bits: what comes above them are details.
  return number & 0xff;
}
