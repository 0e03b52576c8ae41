/**
 * A durable broker for one node without any service: everything in one SQLite file.
 *
 * @module
 */
import type { Broker } from "../../server/broker.ts";
import { settingsOf, type SqliteBrokerOptions } from "./options.ts";
import { SqliteBroker } from "./sqlite-broker.ts";

export type { SqliteBrokerOptions } from "./options.ts";

/**
 * Keeps logs, sessions and their ledgers in an SQLite file, so that a server that is restarted, or killed, goes on where
 * it was: clients resume, nothing is lost or repeated, no `gap` is announced. For one node: a second process that opens
 * the file is refused. Who is present is not in the file: members of a process that is gone are gone with it.
 *
 * What was acknowledged has been synced to disk: neither a crash nor a power cut loses it, on a disk that does what it
 * says. Everything of one turn of the event loop is synced at once, so the price of a sync, during which the process
 * waits, is the same for one publish as for a thousand. Put the file on a local disk: the locks of network file systems
 * can't be relied on. Nothing else in the server's process may open the file, not even to copy it: when that closes it,
 * the system takes the lock away, and another process may write the file at the same time. An older copy of the file must
 * not be put back as it is under clients that know more: docs/scaling.md says what to do with it first.
 *
 * Uses `node:sqlite` where the runtime has it (Node.js 22.13), else the package `libsql`, to be installed beside
 * Bowline. Throws a `TypeError` for an option that can't be what it is; the server's start rejects, naming the option `file`, when neither is there, and when the file can't be
 * opened or written, is something else, or is open in another process. While the disk is full clients are told
 * `degraded`, and calls wait; so they do from when the file is found to be damaged, until the process is started anew.
 *
 * @example
 * createServer(chat, { broker: sqlite({ file: "./chat.db" }) });
 */
export function sqlite(options: SqliteBrokerOptions): Broker {
  return new SqliteBroker(settingsOf(options));
}
