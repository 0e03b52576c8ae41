import type { Clock } from "../base/clock.ts";
import type { Broker, BrokerSink } from "../server/broker.ts";
import type { Batch } from "../server/engine.ts";
import { textFraming, type TextBatch } from "./framing.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { wrapBroker, type Wraps } from "./wraps.ts";

export function broker(change: (inner: Broker, random: SeededRandom) => Partial<Broker>): Wraps {
  return { broker: (inner, random) => wrapBroker(inner, change(inner, random)) };
}

/** Turns the events of a batch round. */
export function newestFirst(batch: Batch): Batch {
  const { messages } = batch as TextBatch;
  const isEvent = (text: string): boolean => text.startsWith('{"type":"event"');
  return textFraming.pack([
    ...messages.filter((text) => !isEvent(text)),
    ...messages.filter(isEvent).toReversed(),
  ]);
}

export function callThrough(sink: BrokerSink): BrokerSink {
  return {
    receiveEntry: (room, epoch, entry) => sink.receiveEntry(room, epoch, entry),
    receiveSignal: (room, key, data) => sink.receiveSignal(room, key, data),
    receivePresence: (room, change) => sink.receivePresence(room, change),
    receiveOpened: (session, generation) => sink.receiveOpened(session, generation),
    receiveHole: (room) => sink.receiveHole(room),
    receiveTold: (message) => sink.receiveTold(message),
    receiveOutage: (reason) => sink.receiveOutage(reason),
    receiveFault: (error) => sink.receiveFault(error),
    receiveSettings: (own, others) => sink.receiveSettings(own, others),
    isConnected: (session) => sink.isConnected(session),
  };
}

/** Timers longer than a blink never come. */
export function clock(of: "client" | "node"): Wraps {
  const isLong = (ms: number): boolean => (of === "node" ? ms >= 900 : ms > 5000);
  return {
    clock: (inner: Clock, whose) =>
      whose !== of
        ? inner
        : { ...inner, setTimer: (ms, task) => (isLong(ms) ? () => {} : inner.setTimer(ms, task)) },
  };
}

type Send = (text: string) => void;

export function transport(change: (random: SeededRandom) => (send: Send) => Send): Wraps {
  return {
    transport: (inner, random) => ({
      ...inner,
      open: (url, token, listener) => {
        const socket = inner.open(url, token, listener);
        const send = change(random)((text) => socket.send(text));
        return { send, close: (code, reason) => socket.close(code, reason) };
      },
    }),
  };
}

/** Frames that do not pass are not handed to the client. */
export function received(passes: (text: string) => boolean): Wraps {
  return {
    transport: (inner) => ({
      ...inner,
      open: (url, token, listener) =>
        inner.open(url, token, {
          opened: () => listener.opened(),
          received: (text) => {
            if (passes(text)) listener.received(text);
          },
          closed: (code, reason) => listener.closed(code, reason),
        }),
    }),
  };
}
