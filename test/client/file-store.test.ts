import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fileStore } from "../../src/client/file-store.ts";
import type { StoreChange } from "../../src/client/store.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bowline-store-"));
  path = join(folder, "outbox.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const session = { secret: "k", id: "s", generation: 1, refs: 1001, ledger: "e", user: null, userRef: 0 };
const begin: StoreChange = { type: "session", session };
const publish = (ref: number, sent = false) => ({
  ref,
  room: "r",
  event: "e",
  json: '{"text":"hi\\n"}',
  sent,
});
const put = (ref: number): StoreChange => ({ type: "put", publish: publish(ref) });
const lines = (): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

describe("a file store", () => {
  test("is empty when the file is new, and makes it for its owner only", () => {
    expect(fileStore(path).initial).toBeNull();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("gives the next process what the last one saved", () => {
    const store = fileStore(path);
    void store.save([begin, put(1)]);
    void store.save([put(2), { type: "sent", ref: 1 }]);
    void store.save([]);
    expect(fileStore(path).initial).toEqual({ session, publishes: [publish(1, true), publish(2)] });
  });

  test("has on disk what was saved when save returns", () => {
    const store = fileStore(path);
    void store.save([begin, put(1)]);
    expect(lines()).toHaveLength(2);
  });

  test("passes over a last line that a crash cut off, and writes on behind what is whole", () => {
    void fileStore(path).save([begin, put(1)]);
    appendFileSync(path, '{"type":"settled","re');
    const store = fileStore(path);
    expect(store.initial?.publishes).toEqual([publish(1)]);
    void store.save([put(2)]);
    expect(fileStore(path).initial?.publishes).toEqual([publish(1), publish(2)]);
  });

  test("passes over a last line that lacks only its end", () => {
    void fileStore(path).save([begin, put(1)]);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -1));
    expect(fileStore(path).initial?.publishes).toEqual([]);
  });

  test("is written anew with what still counts when it is opened", () => {
    const store = fileStore(path);
    void store.save([begin]);
    for (let ref = 1; ref <= 50; ref += 1) void store.save([put(ref), { type: "settled", ref }]);
    expect(lines()).toHaveLength(101);
    fileStore(path);
    expect(lines()).toHaveLength(1);
  });

  test("may have 10,000 lines, and is written anew with the next one", () => {
    const store = fileStore(path);
    const settled = Array.from({ length: 9998 }, (_, ref): StoreChange => ({
      type: "settled",
      ref: ref + 10,
    }));
    void store.save([begin, put(1), ...settled]);
    expect(lines()).toHaveLength(10_000);
    void store.save([put(2)]);
    expect(lines()).toHaveLength(3);
    void store.save([put(3)]);
    expect(fileStore(path).initial?.publishes.map(({ ref }) => ref)).toEqual([1, 2, 3]);
  });

  test("leaves no second file behind", () => {
    void fileStore(path).save([begin]);
    fileStore(path);
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});

describe("a file store that can't write its file anew", () => {
  const settled = Array.from({ length: 9999 }, (_, ref): StoreChange => ({ type: "settled", ref: ref + 10 }));

  test("keeps what it is given in the file it has, and tries again when that has grown as much again", () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const store = fileStore(path);
    void store.save([begin, ...settled]);
    mkdirSync(`${path}.new`);
    void store.save([put(1)]);
    expect(warned).toHaveBeenCalledOnce();
    // Where a file was closed, the next one that is opened gets its number.
    const other = join(folder, "other");
    const file = openSync(other, "w");
    void store.save([put(2)]);
    closeSync(file);
    expect([lines().length, readFileSync(other, "utf8")]).toEqual([10_002, ""]);
    rmdirSync(`${path}.new`);
    void store.save(settled);
    void store.save([put(3)]);
    expect([lines().length, warned.mock.calls.length]).toEqual([4, 1]);
    expect(fileStore(path).initial?.publishes.map(({ ref }) => ref)).toEqual([1, 2, 3]);
  });

  test("when it is opened throws, and leaves the file as it is", () => {
    void fileStore(path).save([begin, put(1)]);
    mkdirSync(`${path}.new`);
    expect(() => fileStore(path)).toThrow("EISDIR");
    expect(lines()).toHaveLength(2);
  });
});

/** There on every Linux. */
const prlimit = "prlimit";

/** Bounds how long this process may make a file. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync(prlimit, ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
}

describe.skipIf(process.platform !== "linux")("a disk that is full in the middle of a line", () => {
  // Without a listener the process would be ended.
  const ignore = (): void => {};
  beforeEach(() => void process.on("SIGXFSZ", ignore));
  afterEach(() => {
    limitFiles("unlimited");
    process.off("SIGXFSZ", ignore);
  });

  test("has the change refused, and none of it left for the next line to be glued to", () => {
    const store = fileStore(path);
    void store.save([begin]);
    limitFiles(statSync(path).size + 20);
    expect(() => store.save([put(1)])).toThrow("EFBIG");
    limitFiles("unlimited");
    expect(lines()).toEqual([JSON.stringify(begin)]);
    void store.save([put(2)]);
    expect(fileStore(path).initial?.publishes.map(({ ref }) => ref)).toEqual([2]);
  });
});

describe("a file that holds something else", () => {
  test.each([
    ["garbage", "garbage\n", 1],
    [
      "a torn line that is not the last",
      `${JSON.stringify(begin)}\n{"type":"pu\n${JSON.stringify(put(1))}\n`,
      2,
    ],
    ["no object", `${JSON.stringify(begin)}\nnull\n`, 2],
    ["lines of JSON that are no changes", '{"level":"info"}\n{"level":"warn"}\n', 1],
    [
      "a change of a kind nobody knows",
      `${JSON.stringify(begin)}\n${JSON.stringify(put(1))}\n{"type":"later"}\n`,
      3,
    ],
  ])("is refused by name and line, and left as it is: %s", (_what, text, line) => {
    writeFileSync(path, text);
    expect(() => fileStore(path)).toThrow(SyntaxError);
    expect(() => fileStore(path)).toThrow(`${path}:${line} `);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("in a folder that is missing is an error at the call", () => {
    expect(() => fileStore(join(folder, "none", "outbox.jsonl"))).toThrow("ENOENT");
  });
});
