import { systemClock } from "../../base/clock.ts";
import type { ConformanceCase } from "../case.ts";
import { runCases, type CaseResult, type CaseRun } from "../run-cases.ts";
import type { ClientCommand } from "./client-process.ts";
import { ClientStage } from "./client-stage.ts";
import { ClientUnderTest } from "./client-under-test.ts";

/** How a client's cases are run. */
export interface ClientRun extends Pick<CaseRun, "atOnce" | "skippedTags" | "onResult"> {
  /** Starts the driver of the client under test, for the shell. As many processes of it as cases at a time. */
  readonly command: string;
  /** How long a driver may take to be ready. */
  readonly startMs: number;
  /** How long anything that is expected may take. */
  readonly waitMs: number;
}

/** What a driver need not be able to do: a case with such a tag is skipped where it does not offer it. */
const optional = ["clock", "chance", "wake", "untold", "persistence", "user", "unwritable"];

/**
 * Runs client cases against the clients that a command starts; gives their results in the order of the cases. Rejects
 * when the command is no driver.
 */
export async function runClientCases(
  cases: readonly ConformanceCase[],
  { command, startMs, waitMs, ...run }: ClientRun,
): Promise<CaseResult[]> {
  const clients = await startAll({ command, clock: systemClock, startMs, limitMs: waitMs }, run.atOnce);
  const free = [...clients];
  const lent = new Map<ConformanceCase, ClientUnderTest>();
  const lacks = optional.filter((it) => !clients[0]?.offers.has(it));
  try {
    return await runCases(cases, {
      ...run,
      skippedTags: new Set([...run.skippedTags, ...lacks]),
      async open(it) {
        const client = free.pop() as ClientUnderTest;
        lent.set(it, client);
        return ClientStage.open(it, { client, clock: systemClock, limitMs: waitMs });
      },
      async close(it) {
        const client = lent.get(it);
        if (client) free.push(client);
      },
    });
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** Starts as many; where one fails, ends the others. */
async function startAll(options: ClientCommand, count: number): Promise<ClientUnderTest[]> {
  const starts = await Promise.allSettled(
    Array.from({ length: count }, () => ClientUnderTest.start(options)),
  );
  const clients = starts.flatMap((it) => (it.status === "fulfilled" ? it.value : []));
  const failed = starts.find((it) => it.status === "rejected");
  if (!failed) return clients;
  await Promise.all(clients.map((client) => client.end()));
  throw failed.reason as Error;
}
