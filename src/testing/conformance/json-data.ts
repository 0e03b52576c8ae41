import type { Broker, BrokerSink } from "../../server/broker.ts";
import { callThrough } from "../sabotage-kit.ts";
import { wrapBroker } from "../wraps.ts";

/** A broker that may be given any text for data: what is no JSON object is carried in one. */
export function withJsonData(inner: Broker): Broker {
  return wrapBroker(inner, {
    start: (sink, node, settings) => inner.start(unwrapping(sink), node, settings),
    append: (request) => inner.append({ ...request, data: wrapped(request.data) }),
    read: async (room, after, limit) => {
      const page = await inner.read(room, after, limit);
      return {
        ...page,
        entries: page.entries.map((it) => ({ offset: it.offset, data: unwrapped(it.data) })),
      };
    },
    signal: (room, key, data) => inner.signal(room, key, wrapped(data)),
  });
}

function unwrapping(sink: BrokerSink): BrokerSink {
  return {
    ...callThrough(sink),
    receiveEntry: (room, epoch, { offset, data }) =>
      sink.receiveEntry(room, epoch, { offset, data: unwrapped(data) }),
    receiveSignal: (room, key, data) => sink.receiveSignal(room, key, unwrapped(data)),
  };
}

const mark = "~";

function wrapped(data: string): string {
  return data.startsWith('{"') ? data : JSON.stringify({ [mark]: data });
}

function unwrapped(data: string): string {
  return data.startsWith(`{"${mark}":`) ? (JSON.parse(data) as { readonly [mark]: string })[mark] : data;
}
