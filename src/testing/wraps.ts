import type { Clock } from "../base/clock.ts";
import type { Transport } from "../client/socket.ts";
import type { Store } from "../client/store.ts";
import type { Broker } from "../server/broker.ts";
import type { Gate, Socket, SocketListener } from "../server/engine.ts";
import type { Limits } from "../server/limits.ts";
import type { SeededRandom } from "./seeded-random.ts";

/**
 * What may be put around the seams of a simulated system: where a sabotage does its damage, and where anything else can
 * listen in. Each gets the real thing and gives what is used in its place.
 */
export interface Wraps {
  readonly broker?: (broker: Broker, random: SeededRandom) => Broker;
  readonly clock?: (clock: Clock, of: "client" | "node") => Clock;
  readonly transport?: (transport: Transport, random: SeededRandom) => Transport;
  readonly store?: (store: Store, random: SeededRandom) => Store;
  readonly gate?: (gate: Gate, random: SeededRandom) => Gate;
  /** Bounds that a swarm's servers have in place of those that they should. */
  readonly limits?: Partial<Limits>;
  /** Decides whether a shared broker that comes back counts as the same data set; told whether it should. */
  readonly vouches?: (isSame: boolean) => boolean;
}

/** A broker that does everything as another one does, except for what is given. */
export function wrapBroker(inner: Broker, changed: Partial<Broker>): Broker {
  return {
    name: inner.name,
    start: (sink, node, settings) => inner.start(sink, node, settings),
    stop: () => inner.stop(),
    append: (request) => inner.append(request),
    find: (room, origin) => inner.find(room, origin),
    read: (room, after, limit) => inner.read(room, after, limit),
    subscribe: (room, bound) => inner.subscribe(room, bound),
    unsubscribe: (room) => inner.unsubscribe(room),
    signal: (room, key, data) => inner.signal(room, key, data),
    openSession: (claim) => inner.openSession(claim),
    renewSessions: (sessions) => inner.renewSessions(sessions),
    claimRequest: (origin) => inner.claimRequest(origin),
    answerRequest: (origin, answer) => inner.answerRequest(origin, answer),
    enter: (room, member, generation) => inner.enter(room, member, generation),
    exit: (room, session, generation) => inner.exit(room, session, generation),
    members: (room, limit) => inner.members(room, limit),
    tell: (node, message) => inner.tell(node, message),
    nodes: () => inner.nodes(),
    ...changed,
  };
}

/** A gate that does everything as another one does, except for what is given. */
export function wrapGate(inner: Gate, changed: Partial<Gate>): Gate {
  return {
    path: inner.path,
    payloadBytes: inner.payloadBytes,
    broker: inner.broker,
    handshakeMs: inner.handshakeMs,
    serve: () => inner.serve(),
    admit: (request, options) => inner.admit(request, options),
    refused: (refused, request) => inner.refused(refused, request),
    giveUp: () => inner.giveUp(),
    onStop: (task) => inner.onStop(task),
    report: (error, stage) => inner.report(error, stage),
    open: (socket, admitted) => inner.open(socket, admitted),
    ...changed,
  };
}

/** The same for a socket. */
export function wrapSocket(inner: Socket, changed: Partial<Socket>): Socket {
  return {
    framing: inner.framing,
    send: (batch) => inner.send(batch),
    bufferedBytes: () => inner.bufferedBytes(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: (code, reason) => inner.close(code, reason),
    terminate: () => inner.terminate(),
    ...changed,
  };
}

/** The same for what listens to one. */
export function wrapListener(inner: SocketListener, changed: Partial<SocketListener>): SocketListener {
  return {
    receiveBytes: (bytes, frames, message) => inner.receiveBytes(bytes, frames, message),
    receive: (message) => inner.receive(message),
    drained: () => inner.drained(),
    closed: (code) => inner.closed(code),
    ...changed,
  };
}
