/**
 * The broker on NATS JetStream: rooms, sessions and presence for many nodes.
 *
 * It needs nats-server 2.9 or later with JetStream (`nats-server -js`), and two packages beside Bowline:
 * `npm install @nats-io/transport-node @nats-io/jetstream`. What it keeps there, with the prefix `bowline`, is
 * in streams whose names begin so, and end with an id that is drawn when they are made:
 *
 * | stream | a message is | goes |
 * |---|---|---|
 * | `bowline_log_…` | what one node appended to a room at a time, at most 256 entries | with the bound of its room, and after `logTtlMs` |
 * | `bowline_session_…` | a session: its user, its highest ref, the requests it claimed | after `sessionTtlMs` without renewal |
 * | `bowline_ledger_…` | an answer to a request; what a room's log said of a session before it was cut | after four times `sessionTtlMs` |
 * | `bowline_presence_…` | a member of a room | with the member, or the lease of its node |
 * | `bowline_lease_…` | a node that is alive (always in memory) | after `leaseMs` |
 *
 * Live messages go over plain subjects: `bowline.live.>`, `bowline.opened`, `bowline.told.>`. An account that may use no
 * more needs `bowline.>`, `$JS.API.>` and `_INBOX.>`.
 *
 * Limits:
 * - A stream with one of these subjects that somebody else made is left alone, and the start refused; so it is when the
 *   streams were made with another `storage`.
 * - A stream that is deleted is made anew under another name: nothing of it comes back, and clients are told.
 * - Messages that are taken out of a stream cost what was in them: readers see a gap, and a publish that is sent again, and
 *   may have been in them, ends as `UNCERTAIN`. It is not noticed when the newest message of a room is taken out and no
 *   node has used that room since it started.
 * - `replicas` above 1 takes nats-server 2.10.20, and the start is refused with an older one: its clusters do not keep
 *   to the order that a write demands. Newer ones do, but for writes of several nodes to one room that are under way at
 *   the moment at which another server takes the stream over.
 * - An entry may have as much as NATS takes in a message, less 32 KiB: 992 KiB with the default `max_payload`, which
 *   has to be above 32 KiB. A longer one, and a member or a signal longer than a message, is refused with
 *   `PAYLOAD_TOO_LARGE`. An answer that is too long is not kept: asked for again, it counts as unanswered.
 * - A room begins a new log, and its readers see a gap, when nothing was published in it for `logTtlMs`.
 * - While the account or the server may store no more, nothing is served: it is an outage, until what was refused can
 *   be written. nats-server 2.9 loses the session whose write finds its account full: what that had under way is
 *   `UNCERTAIN`.
 * - With one replica, what is acknowledged survives the end of the server's process, and not that of its disk or, for
 *   the newest two minutes, of its machine: use `replicas: 3` where that matters. A node that finds a stream shorter
 *   than it was begins it anew, so that clients are told (`gap`, `UNCERTAIN`) and never left guessing. So does a node that
 *   finds that NATS was started again while no node was there, unless the last one had left in order: that writes a
 *   message under a key of nobody's to the end of the streams. nats-server can't be asked for its `sync_interval`.
 * - Answers of one session are held to the bound on their length by each node for those it gave itself.
 *
 * @module
 */
import type { Broker } from "../../server/broker.ts";
import { NatsBroker } from "./nats-broker.ts";
import { settingsOf, type NatsOptions } from "./options.ts";

export type { NatsOptions, NatsTls } from "./options.ts";

/**
 * A broker on NATS JetStream. One serves one server; the nodes of a cluster have the same `servers`, `prefix` and
 * `storage`. Lives from the start of its server to its end. Throws a `TypeError` for an option that can't be what it is;
 * the server's start rejects, naming `servers`, when there is no NATS with JetStream.
 *
 * @example
 * createServer(chat, { broker: nats({ servers: "nats://localhost:4222" }) });
 *
 * @example
 * createServer(chat, { broker: nats({ servers: ["nats://n1:4222", "nats://n2:4222"], replicas: 3, prefix: "chat" }) });
 */
export function nats(options: NatsOptions): Broker {
  return new NatsBroker(settingsOf(options));
}
