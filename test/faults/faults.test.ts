import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runFaults } from "../../faults/fault-run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("real clients of a real server that is killed, behind lines that fail, lose, repeat and reorder nothing", async () => {
  const result = await runFaults({
    contender: "bowline",
    broker: "memory",
    seconds: 7,
    clients: 30,
    seed: 7,
    shortRooms: true,
  });
  const { verdict, faults, settledMs, unsettled } = result;
  expect(verdict.examples).toEqual([]);
  expect(verdict).toMatchObject({ lost: 0, repeated: 0, misordered: 0 });
  expect(settledMs, unsettled).not.toBeNull();
  // It was no quiet run: the server died, and readers were told of what that cost them.
  expect(faults.get("kill")).toBe(1);
  expect(verdict.gaps).toBeGreaterThan(0);
  expect(verdict.acknowledged).toBeGreaterThan(100);
  expect(Object.keys(verdict.refused).filter((code) => code !== "UNCERTAIN")).toEqual([]);
}, 120_000);

test("a server with an SQLite file that is killed and stands still loses, repeats and reorders nothing", async () => {
  const seed = 5;
  const result = await runFaults({
    contender: "bowline",
    broker: "sqlite",
    seconds: 6,
    clients: 16,
    seed,
    shortRooms: true,
  });
  const { verdict, faults, settledMs, unsettled } = result;
  expect(verdict.examples).toEqual([]);
  expect(verdict).toMatchObject({ lost: 0, repeated: 0, misordered: 0 });
  expect(settledMs, unsettled).not.toBeNull();
  expect([faults.get("kill"), faults.get("freeze")]).toEqual([1, 1]);
  expect(verdict.acknowledged).toBeGreaterThan(30);
  // What was on the disk is still known: no call is left uncertain.
  expect(verdict.refused).toEqual({});
}, 120_000);

test("a broker that is not there is named, with those that are", () => {
  const flags = ["--import", "tsx", "--conditions=bowline-source", "faults/run.ts"];
  const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, "--broker", "kafka"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stderr).toBe("--broker kafka does not exist; there are memory, sqlite, redis, nats\n");
  expect(stdout).toBe("");
  expect(status).toBe(1);
});
