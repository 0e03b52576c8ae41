import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RedisServer, redisPath } from "../support/redis-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Section {
  readonly of: string;
  readonly keys: readonly { readonly name: string; readonly only?: string }[];
  readonly args: readonly { readonly name: string; readonly optional?: boolean }[];
  readonly sections?: readonly Section[];
}

interface Manifest {
  readonly layout: number;
  readonly scripts: Readonly<Record<string, Section & { readonly file: string; readonly sha1: string }>>;
}

interface Step {
  readonly about: string;
  readonly command?: readonly [string, ...string[]];
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly reply?: unknown;
  readonly error?: string;
  readonly published?: readonly string[];
}

const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
const manifest = json("spec/redis/manifest.json") as Manifest;
const topic = "redis-scripts";
const { vectors: steps } = json(`spec/vectors/${topic}.json`) as { readonly vectors: readonly Step[] };
const luaOf = (name: string): string =>
  readFileSync(join(root, "spec/redis", manifest.scripts[name]?.file ?? ""), "utf8");

/** What a reply has to be, with `$like` and `$set` made into what vitest compares by. */
function pattern(wanted: unknown): unknown {
  if (Array.isArray(wanted)) return wanted.map(pattern);
  const { $like, $set } = (wanted ?? {}) as { $like?: string; $set?: readonly unknown[] };
  if ($like !== undefined) return expect.stringMatching($like);
  return $set
    ? expect.toSatisfy(
        (it: unknown[]) => String(it.map(String).toSorted()) === String($set.map(String).toSorted()),
      )
    : wanted;
}

/** How many keys and arguments a call has by the manifest: what the sections' own arguments count comes first. */
function countOf(script: Section, args: readonly string[]): [keys: number, args: number] {
  const [section] = script.sections ?? [];
  const optional = script.args.filter((it) => it.optional).length;
  const own = Math.min(script.args.length, Math.max(args.length, script.args.length - optional));
  if (!section) return [script.keys.length, own];
  if (!section.sections) return [script.keys.length, args.length];
  let [keys, at] = [script.keys.length, script.args.length];
  while (at < args.length) {
    const [ledgers, entries] = [args[at + 4], args[at + 5]].map(Number) as [number, number];
    const known = args.slice(at + section.args.length, at + section.args.length + ledgers);
    keys += section.keys.length + ledgers + known.filter((it) => it === "n").length;
    at += section.args.length + ledgers + entries * (section.sections[1]?.args.length ?? 0);
  }
  return [keys, at];
}

describe.skipIf(!redisPath)("the scripts of spec/redis", () => {
  let server: RedisServer;
  let redis: Redis;
  let listener: Redis;
  const published: string[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
    [redis, listener] = [new Redis(server.url), new Redis(server.url)];
    listener.on("message", (_, message) => published.push(message));
    await listener.subscribe("p:{r}");
  });

  afterAll(async () => {
    for (const client of [redis, listener]) client?.disconnect();
    await server?.stop();
  });

  test.each(Object.entries(manifest.scripts))("%s has its SHA-1, for Redis too", async (name, { sha1 }) => {
    expect(await redis.script("LOAD", luaOf(name))).toBe(sha1);
  });

  test.each(steps.map((step) => [step.about ?? String(step.command), step] as const))(
    "%s",
    async (_, step) => {
      if (step.command) return void (await redis.call(...step.command));
      const { script, keys, args, error } = step;
      expect([keys.length, args.length]).toEqual(countOf(manifest.scripts[script] as Section, args));
      published.length = 0;
      const sha1 = manifest.scripts[script]?.sha1 as string;
      const call = redis.evalsha(sha1, keys.length, ...keys, ...args);
      if (error === undefined) expect(await call).toEqual(pattern(step.reply));
      else await expect(call).rejects.toThrow(new RegExp(error));
      // Whatever was published before this answer has come.
      await listener.ping();
      expect(published).toEqual(step.published ?? []);
    },
  );

  test("are each called by some vector, with as many keys and arguments as they ask for", () => {
    const called = new Set(steps.map(({ script }) => script));
    expect(Object.keys(manifest.scripts).filter((name) => !called.has(name))).toEqual([]);
    for (const [name, { keys, args }] of Object.entries(manifest.scripts)) {
      const asked = (list: string): number =>
        Math.max(
          0,
          ...Array.from(luaOf(name).matchAll(new RegExp(`${list}\\[(\\d+)\\]`, "g")), ([, n]) => Number(n)),
        );
      expect([name, asked("KEYS")]).toEqual([name, keys.length]);
      expect([name, asked("ARGV") <= args.length]).toEqual([name, true]);
    }
  });
});

describe("scripts/redis-scripts.mjs", () => {
  const tool = join(root, "scripts/redis-scripts.mjs");
  const check = (folder: string) =>
    spawnSync(process.execPath, [tool, "--check", folder], { encoding: "utf8" });

  function copy(): string {
    const folder = mkdtempSync(join(tmpdir(), "bowline-scripts-"));
    for (const path of ["spec/redis", "src/brokers/redis"])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    return folder;
  }

  const faults: Record<string, [fault: (folder: string) => void, message: RegExp, isMended?: boolean]> = {
    "nothing at all": [() => {}, /^$/],
    "a script that was changed": [
      (folder) => appendFileSync(join(folder, "spec/redis/find.lua"), "-- more\n"),
      /spec\/redis\/find\.lua: its SHA-1 is [0-9a-f]{40}, the manifest says/,
      true,
    ],
    "a script that the manifest lacks": [
      (folder) => writeFileSync(join(folder, "spec/redis/more.lua"), "#!lua\n"),
      /more\.lua is not in the manifest/,
    ],
    "a shared part that differs": [
      (folder) => {
        const path = join(folder, "spec/redis/read.lua");
        writeFileSync(
          path,
          readFileSync(path, "utf8").replace("local function trim(", "local  function trim("),
        );
      },
      /"-- shared: log" is another text than in append\.lua/,
    ],
    "other flags": [
      (folder) => {
        const path = join(folder, "spec/redis/find.lua");
        writeFileSync(path, readFileSync(path, "utf8").replace("#!lua flags=allow-oom", "#!lua"));
      },
      /find\.lua must begin with "#!lua flags=allow-oom"/,
    ],
  };
  test.each(Object.entries(faults))("notices %s", (_, [fault, message, isMended]) => {
    const folder = copy();
    try {
      fault(folder);
      const { status, stderr } = check(folder);
      expect(stderr).toMatch(message);
      expect(status === 0).toBe(stderr === "");
      if (!isMended) return;
      execFileSync(process.execPath, [tool, folder]);
      expect(check(folder).status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
