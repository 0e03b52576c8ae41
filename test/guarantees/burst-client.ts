/**
 * A client to be killed: publishes the numbers up to `last`, as fast as its outbox takes them, and keeps its session and
 * outbox in a file. Started again, it goes on where it was. Arguments: url, file, last.
 */
import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { createClient } from "bowline/client";
import { fileStore } from "bowline/client/file-store";
import { WebSocket } from "ws";
import { numbers } from "./numbers.contract.ts";

const [url, file, last] = process.argv.slice(2) as [string, string, string];
const progressFile = `${file}.progress`;
const client = createClient(numbers, {
  url,
  token: "burst",
  user: "burst",
  WebSocket,
  log: false,
  store: fileStore(file),
});

// The highest number handed to publish() before: it is in the outbox, or was noted right after.
const noted = existsSync(progressFile)
  ? readFileSync(progressFile, "utf8").split("\n").filter(Boolean).map(Number)
  : [];
const pending = client.pending.map(({ payload }) => (payload as { n: number }).n);
let n = Math.max(0, ...noted, ...pending);
const progress = openSync(progressFile, "a");
const room = client.join("numbers/burst");

function publishSome(): void {
  while (n < Number(last) && client.pending.length < 50) {
    n += 1;
    room.publish("number", { n }).then(publishSome, (error: unknown) => {
      console.error("refused", error);
      process.exit(1);
    });
    writeSync(progress, `${n}\n`);
  }
  if (n === Number(last) && client.pending.length === 0) client.close();
}

client.onFate(({ fate }) => {
  if (fate === "stored") queueMicrotask(publishSome);
});
publishSome();
