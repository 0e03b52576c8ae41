import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "bowline/client";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startNumbersServer } from "./numbers-server.ts";
import { numbers } from "./numbers.contract.ts";

const last = 600;
const kills = 4;

test("a client killed with SIGKILL mid-burst and started again on its file store loses and repeats nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bowline-"));
  const server = await startNumbersServer();
  const reader = createClient(numbers, { url: server.url, token: "reader", WebSocket });
  try {
    const seen: number[] = [];
    const waiting: { count: number; resolve: () => void }[] = [];
    const room = reader.join("numbers/burst");
    room.on("number", ({ payload }) => {
      seen.push(payload.n);
      for (const wait of waiting) if (seen.length >= wait.count) wait.resolve();
    });
    await room.joined();
    const reached = (count: number): Promise<void> =>
      new Promise((resolve) => (seen.length >= count ? resolve() : waiting.push({ count, resolve })));

    const run = (): ChildProcess => startBurst(server.url, join(folder, "outbox.jsonl"));
    for (let kill = 1; kill <= kills; kill++) {
      const child = run();
      await reached(kill * 90);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const child = run();
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    await reached(last);
    expect(seen).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  } finally {
    reader.close();
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

function startBurst(url: string, file: string): ChildProcess {
  const script = fileURLToPath(new URL("burst-client.ts", import.meta.url));
  const flags = ["--import", "tsx", "--conditions=bowline-source"];
  return spawn(process.execPath, [...flags, script, url, file, String(last)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
