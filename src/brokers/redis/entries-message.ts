import type { LogEntry } from "../../server/broker.ts";

/** Whether a message on a room's channel carries entries. */
export function hasEntries(message: string): boolean {
  return message.startsWith("e");
}

/** Gives each entry of a message `e<epoch> <first offset> <length>,<length>;<data><data>`, in their order. */
export function readEntries(message: string, receive: (epoch: string, entry: LogEntry) => void): void {
  const start = message.indexOf(";") + 1;
  const [epoch = "", first, lengths = ""] = message.slice(1, start - 1).split(" ");
  let offset = Number(first);
  let from = start;
  for (const length of lengths.split(",")) {
    const to = from + Number(length);
    receive(epoch, { offset, data: message.slice(from, to) });
    offset += 1;
    from = to;
  }
}
