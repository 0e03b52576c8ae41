import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { sqlite, type SqliteBrokerOptions } from "bowline/sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { closeDatabase, openDatabase, type Database } from "../../src/brokers/sqlite/database.ts";
import { settingsOf } from "../../src/brokers/sqlite/options.ts";
import { applicationId } from "../../src/brokers/sqlite/schema.ts";
import { SqliteBroker } from "../../src/brokers/sqlite/sqlite-broker.ts";
import type { AppendRequest } from "../../src/server/broker.ts";
import { Heard } from "../../src/testing/conformance/heard.ts";
import { ampleBound } from "../../src/testing/conformance/scene.ts";
import { FakeClock } from "../support/fake-clock.ts";

function inFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "bowline-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

const entry: AppendRequest = { room: "r", data: "x", bound: ampleBound };
const big: AppendRequest = { ...entry, data: "x".repeat(100_000) };

async function startOn(file: string): Promise<void> {
  const broker = sqlite({ file });
  try {
    await broker.start(new Heard().sink, "node");
  } finally {
    await broker.stop();
  }
}

/** A server on the file in a process of its own. */
function startProcess(file: string, stderr: "inherit" | "pipe"): ChildProcess {
  const script = fileURLToPath(new URL("../support/node-server.ts", import.meta.url));
  const flags = ["--import", "tsx", "--conditions=bowline-source"];
  const child = spawn(process.execPath, [...flags, script, "sqlite", file, "0"], {
    stdio: ["ignore", "pipe", stderr],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Overwrites the first page of a table or index. */
async function damage(file: string, name: string): Promise<void> {
  const database = await openDatabase(file);
  const { page } = database
    .prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = ?")
    .get(name) as { page: number };
  closeDatabase(database);
  const content = readFileSync(file);
  const bytes = content.readUInt16BE(16);
  writeFileSync(file, content.fill(0xee, (page - 1) * bytes, page * bytes));
}

describe("the file", () => {
  test.each([undefined, "", ":memory:", 7])("can't be %j", (file) => {
    expect(() => sqlite({ file: file as string })).toThrow(/option "file" must be the path of a file, not/);
  });

  test("is made, readable for its owner only", async () => {
    const file = inFolder("new.db");
    await startOn(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["removed", (file: string) => rmSync(file)],
    ["renamed", (file: string) => renameSync(file, `${file}.old`)],
    [
      "replaced",
      (file: string) => {
        copyFileSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
    ],
  ])(
    "that is %s under a running server is an outage, and nothing is acknowledged into it",
    async (_how, act) => {
      const file = inFolder("open.db");
      const broker = sqlite({ file });
      onTestFinished(() => broker.stop());
      const heard = new Heard();
      await broker.start(heard.sink, "node");
      await broker.append(entry);
      act(file);
      await expect(broker.append(entry)).rejects.toThrow(/open.db: it was removed, renamed or replaced/);
      await expect(broker.append(entry)).rejects.toThrow(/start the server again/);
      expect(heard.outages).toHaveLength(1);
    },
  );

  test("in a folder that does not exist is refused", async () => {
    const file = inFolder("none/a.db");
    await expect(startOn(file)).rejects.toThrow(`option "file": ${file}: the folder`);
  });

  test("that is a folder is refused", async () => {
    const file = inFolder("folder");
    mkdirSync(file);
    await expect(startOn(file)).rejects.toThrow(`option "file": ${file}: it is a folder`);
  });

  test.runIf(process.platform === "linux")("that can't be made is refused", async () => {
    await expect(startOn("/proc/bowline.db")).rejects.toThrow('option "file": /proc/bowline.db: ');
  });

  test("that is no database is refused, and left as it is", async () => {
    const file = inFolder("notes.txt");
    writeFileSync(file, "notes ".repeat(1000));
    await expect(startOn(file)).rejects.toThrow("it is no SQLite database");
    expect(statSync(file).size).toBe(6000);
  });

  test("that is a database of something else is refused, and left as it is", async () => {
    const file = inFolder("other.db");
    const database = await openDatabase(file);
    database.exec("PRAGMA application_id = 7");
    closeDatabase(database);
    await expect(startOn(file)).rejects.toThrow("a database of something else than Bowline");
  });

  test("of version 1 keeps its history, and forgets sessions whose ids their clients drew", async () => {
    const file = inFolder("earlier.db");
    const database = await openDatabase(file);
    database.exec("ALTER TABLE sessions ADD COLUMN secret TEXT NOT NULL DEFAULT 'k'");
    database.exec("ALTER TABLE rooms DROP COLUMN bytes");
    database.exec("ALTER TABLE sessions RENAME COLUMN ledger TO epoch");
    database.exec("INSERT INTO rooms VALUES (1, 'r', 'e', 0, 1, 60000, 0)");
    database.exec(`INSERT INTO entries VALUES (1, 1, ${Date.now()}, 'kept')`);
    database.exec(
      "INSERT INTO sessions (id, user, epoch, generation, renewed_ms) VALUES ('s', 'ada', 'e', 9, 0)",
    );
    database.exec("INSERT INTO publishes VALUES ('s', 0, 1, 'r', 'e', 1)");
    database.exec("INSERT INTO answers (session, ref) VALUES ('s', 2)");
    database.exec("PRAGMA user_version = 1");
    closeDatabase(database);

    const broker = sqlite({ file });
    await broker.start(new Heard().sink, "node");
    expect((await broker.read("r", 0, 10)).entries).toEqual([{ offset: 1, data: "kept" }]);
    const claim = { session: "s", user: "eve", generation: 1 };
    expect(await broker.openSession(claim)).toMatchObject({ outcome: "opened", ref: 0 });
    expect(await broker.find("r", { session: "s", ref: 1 })).toBeNull();
    expect(await broker.claimRequest({ session: "s", ref: 2 })).toEqual({ outcome: "claimed" });
    await broker.stop();
    await startOn(file);
  });

  test("of another version is refused", async () => {
    const file = inFolder("later.db");
    const database = await openDatabase(file);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec("PRAGMA user_version = 99");
    closeDatabase(database);
    await expect(startOn(file)).rejects.toThrow(
      "it is of version 99, and this Bowline reads versions 1 to 4",
    );
  });

  test("of version 2 is brought up to date: what its logs hold is counted", async () => {
    const file = inFolder("former.db");
    const before = sqlite({ file });
    await before.start(new Heard().sink, "node");
    for (const data of ["one", "zwölf"]) await before.append({ ...entry, data });
    await before.stop();
    const database = await openDatabase(file);
    database.exec("ALTER TABLE rooms DROP COLUMN bytes; PRAGMA user_version = 2");
    database.exec("ALTER TABLE sessions RENAME COLUMN ledger TO epoch");
    closeDatabase(database);
    const broker = sqlite({ file });
    await broker.start(new Heard().sink, "node");
    onTestFinished(() => broker.stop());
    // 3 and 6 bytes are there, and 2 more fit.
    await broker.append({ ...entry, data: "xy", bound: { ...ampleBound, bytes: 11 } });
    expect((await broker.read("r", 0, 10)).base).toBe(0);
    await broker.append({ ...entry, data: "z", bound: { ...ampleBound, bytes: 11 } });
    expect((await broker.read("r", 1, 10)).base).toBe(1);
  });

  test("that is damaged is refused, and free again", async () => {
    const file = inFolder("damaged.db");
    await startOn(file);
    const good = readFileSync(file);
    await damage(file, "sessions_by_renewal");
    await expect(startOn(file)).rejects.toThrow(`option "file": ${file}: it is damaged; restore it`);
    writeFileSync(file, good);
    await startOn(file);
  });

  test("that lacks a table is refused", async () => {
    const file = inFolder("lacking.db");
    const database = await openDatabase(file);
    database.exec("DROP TABLE sessions");
    closeDatabase(database);
    await expect(startOn(file)).rejects.toThrow(`option "file": ${file}: no such table: sessions`);
  });

  test.skipIf(process.getBuiltinModule("node:sqlite" as "node:fs"))(
    "is named when there is nothing to open it with",
    async () => {
      vi.doMock("libsql", () => {
        throw new Error("not installed");
      });
      onTestFinished(() => {
        vi.doUnmock("libsql");
      });
      const file = inFolder("a.db");
      await expect(startOn(file)).rejects.toThrow(`option "file": ${file}: this runtime has no node:sqlite`);
    },
  );

  test("that is open in another process is refused, until that ends, however it does", async () => {
    const file = inFolder("taken.db");
    const other = startProcess(file, "inherit");
    await once(other.stdout!, "data");
    await expect(startOn(file)).rejects.toThrow("another process has it open; one process at a time");
    other.kill("SIGKILL");
    await once(other, "exit");
    await startOn(file);
  });

  test("stays this process's own when another broker of it was refused the file", async () => {
    const file = inFolder("twice.db");
    const broker = sqlite({ file });
    onTestFinished(() => broker.stop());
    await broker.start(new Heard().sink, "node");
    await expect(startOn(file)).rejects.toThrow("has it open; one process at a time");
    const other = startProcess(file, "pipe");
    expect(await text(other.stderr!)).toContain("another process has it open; one process at a time");
    expect(await broker.append(entry)).toMatchObject({ position: { offset: 1 } });
  });

  test("is free again once the broker has stopped", async () => {
    const file = inFolder("again.db");
    for (let time = 0; time < 3; time += 1) await startOn(file);
  });
});

test("what is committed is on the disk: a power cut takes none of it", async () => {
  const database = await openDatabase(inFolder("chat.db"));
  onTestFinished(() => closeDatabase(database));
  const setting = (name: string): unknown =>
    Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0];
  expect(setting("journal_mode")).toBe("wal");
  // 2 is FULL: the log of writes is synced at each commit.
  expect(setting("synchronous")).toBe(2);
});

test("a broker has one node", async () => {
  const broker = sqlite({ file: inFolder("a.db") });
  onTestFinished(() => broker.stop());
  await broker.start(new Heard().sink, "one");
  await expect(broker.start(new Heard().sink, "two")).rejects.toThrow(/one broker serves one server/);
});

test("an older copy that was made ready as the documentation says begins new epochs", async () => {
  const file = inFolder("older.db");
  const claim = { session: "session", user: "ada", generation: 1 };
  const origin = { session: claim.session, ref: 1 };
  const opened = async () => {
    const broker = sqlite({ file });
    await broker.start(new Heard().sink, "node");
    const session = await broker.openSession(claim);
    const result = await broker.append({ ...entry, origin });
    await broker.stop();
    if (session.outcome !== "opened" || result.outcome !== "stored") throw new Error(result.outcome);
    return { session: session.ledger, room: result.position.epoch };
  };
  const former = await opened();
  const page = readFileSync(new URL("../../docs/scaling.md", import.meta.url), "utf8");
  const database = await openDatabase(file);
  database.exec((/```sql\n([^`]*)```/.exec(page) as RegExpExecArray)[1] as string);
  closeDatabase(database);
  const now = await opened();
  expect(now.room).not.toBe(former.room);
  expect(now.session).not.toBe(former.session);
});

/** A broker whose disk can be filled up. */
async function onSmallDisk(options: Partial<SqliteBrokerOptions> = {}) {
  let disk: Database | undefined;
  const settings = settingsOf({ file: inFolder("full.db"), ...options });
  const broker = new SqliteBroker(settings, async (file) => {
    disk = await openDatabase(file);
    return disk;
  });
  const heard = new Heard();
  await broker.start(heard.sink, "node");
  onTestFinished(() => broker.stop());
  const setPages = (pages: number): void => disk?.exec(`PRAGMA max_page_count = ${pages}`);
  return { broker, heard, setPages, fill: () => setPages(1), empty: () => setPages(1_000_000) };
}

/** The same on a clock of its own; `done` gives how calls made in one turn came out. */
async function onOwnClock(options: Partial<SqliteBrokerOptions> = {}) {
  const clock = new FakeClock();
  const disk = await onSmallDisk({ ...options, clock });
  const done = async (...calls: Promise<unknown>[]): Promise<boolean[]> => {
    const settled = Promise.allSettled(calls);
    await clock.settle();
    return (await settled).map(({ status }) => status === "fulfilled");
  };
  return { ...disk, clock, done };
}

test("damage that is found late is an outage, which nothing that can be written ends", async () => {
  const file = inFolder("damaged.db");
  await startOn(file);
  await damage(file, "publishes");
  const { broker, heard, clock, done } = await onOwnClock({ file });
  const session = "session";
  await done(broker.openSession({ session, user: "ada", generation: 1 }));
  expect(await done(broker.append({ ...entry, origin: { session, ref: 1 } }))).toEqual([false]);
  await clock.advance(5000);
  expect(await done(broker.append(entry))).toEqual([true]);
  expect(heard.outages).toEqual([expect.stringContaining("it is damaged; restore it")]);
});

describe("a disk that is full", () => {
  test("is an outage: calls reject and nothing of them is kept, until there is room again", async () => {
    const { broker, heard, fill, empty } = await onSmallDisk();
    await broker.subscribe("r", ampleBound);
    await broker.append(entry);
    fill();
    const failed = await Promise.allSettled([broker.append(entry), broker.append(big), broker.append(entry)]);
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(heard.outages).toEqual([expect.stringMatching(/option "file": .*full\.db: the disk is full/)]);
    expect(await broker.read("r", 0, 10)).toMatchObject({ head: 1, entries: [{ offset: 1, data: "x" }] });
    empty();
    await expect.poll(() => heard.outages.at(-1), { timeout: 5000 }).toBeNull();
    expect(await broker.append(big)).toMatchObject({ outcome: "stored", position: { offset: 2 } });
    expect(heard.entries("r").map(({ offset }) => offset)).toEqual([1, 2]);
  });

  test("is one as long as it has room for less than what failed", async () => {
    const { broker, heard, clock, done, setPages, empty } = await onOwnClock();
    setPages(40);
    expect(await done(broker.append(big), broker.append(big))).toEqual([false, false]);
    await clock.advance(5000);
    expect(await done(broker.append(entry))).toEqual([true]);
    expect(heard.outages, "room for one of them").toHaveLength(1);
    empty();
    await clock.advance(1000);
    expect(heard.outages.at(-1)).toBeNull();
    expect(await done(broker.append(big), broker.append(big))).toEqual([true, true]);
  });
});

test("a call that can't be carried out does not keep the others from it", async () => {
  const { broker, heard } = await onSmallDisk();
  const impossible = { ...entry, bound: { ...ampleBound, ageMs: Number.NaN } };
  const results = await Promise.allSettled([
    broker.append(entry),
    broker.append(impossible),
    broker.append(entry),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await broker.read("r", 0, 10)).head).toBe(2);
  expect(heard.outages).toEqual([]);
});
