/** Times as people read them, in the visitor's own language and zone. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function clockTime(at: number): string {
  return clock.format(at);
}

export function fullTime(at: number): string {
  return full.format(at);
}

/** Names a calendar day, the same for every moment of it. */
export function dayKey(at: number): string {
  return new Date(at).toDateString();
}

export function dayName(at: number): string {
  const now = new Date();
  if (dayKey(at) === now.toDateString()) return "Today";
  now.setDate(now.getDate() - 1);
  return dayKey(at) === now.toDateString() ? "Yesterday" : day.format(at);
}
