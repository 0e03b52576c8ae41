import type { BowlineError, Position } from "bowline";
import type { Fate } from "bowline/client";
import { same } from "../support/types.ts";

declare const fate: Fate;

same<Fate["fate"], "queued" | "sent" | "stored" | "refused">();
if (fate.fate === "stored") same<typeof fate.position, Position>();
else if (fate.fate === "refused") same<typeof fate.error, BowlineError>();
else same<[typeof fate.position, typeof fate.error], [undefined, undefined]>();

// Taken apart, it narrows as well.
function show({ fate: name, position, error, payload }: Fate): void {
  if (name === "stored") same<typeof position, Position>();
  if (name === "refused") same<typeof error, BowlineError>();
  if (name === "sent") same<typeof error, undefined>();
  same<typeof payload, unknown>();
}
show(fate);

const about = { ref: 1, id: "s-1", room: "chat/x", event: "message", payload: null };
show({ ...about, fate: "queued" });
// @ts-expect-error what is stored has a position
show({ ...about, fate: "stored" });
// @ts-expect-error what is refused has an error
show({ ...about, fate: "refused" });
